"""The exporter's table, read once: the same file as with one read anew, and nobody's additions."""

from __future__ import annotations

import torch
from torch import nn
from torch.onnx._internal.exporter._registration import ONNXRegistry

from edgekit.convert.onnx.exporter_table import TABLE, read_once
from edgekit.types import ONNX_OPSET


def exported() -> bytes:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Hardswish(), nn.AdaptiveAvgPool2d(1)).eval()
    program = torch.onnx.export(network, (torch.zeros(1, 3, 8, 8),), dynamo=True, opset_version=ONNX_OPSET)
    assert program is not None
    return program.model_proto.SerializeToString(deterministic=True)


def test_the_file_is_the_same() -> None:
    anew = exported()
    with read_once():
        assert exported() == anew


def test_what_an_export_adds_is_its_own() -> None:
    before = {name: list(ways) for name, ways in TABLE.functions.items()}
    with read_once():
        ONNXRegistry.from_torchlib(opset_version=ONNX_OPSET).register_op(torch.ops.aten.relu.default, lambda x: x)
        assert ONNXRegistry.from_torchlib(opset_version=ONNX_OPSET).functions == before


def test_another_opset_is_read_anew() -> None:
    with read_once():
        other = ONNXRegistry.from_torchlib(opset_version=ONNX_OPSET + 2)
    assert other.opset_version == ONNX_OPSET + 2
    assert TABLE.opset_version == ONNX_OPSET
