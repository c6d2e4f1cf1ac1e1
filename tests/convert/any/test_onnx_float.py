"""What stays in float inside int8 ONNX models, as ONNX Runtime is faster so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from edgekit.agent.commands.inspect import inspect
from edgekit.convert.any.onnx import convert, plain_model
from edgekit.convert.any.onnx_float import gelus
from edgekit.convert.any.onnx_int8 import name_nodes
from edgekit.forms.profiles import choose_profiles
from tests.support.jobs import job_of

ROOT = 2**0.5
GELUS = {
    "last half": lambda x: x * (1 + torch.erf(x / ROOT)) * 0.5,
    "first half": lambda x: (x * 0.5) * (1 + torch.erf(x / ROOT)),
    "half of the curve": lambda x: x * ((torch.erf(x * (1 / ROOT)) + 1) * 0.5),
    "PyTorch's": nn.functional.gelu,
}


class Written(nn.Module):
    """A layer, what is to be tried, a layer, and shares."""

    def __init__(self, middle) -> None:
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(8, 16), middle, nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of rows."""
        return self.last(self.middle(self.first(x))).softmax(-1)


def norm(y: torch.Tensor) -> torch.Tensor:
    """A layer norm as exporters wrote it."""
    rest = y - y.mean(-1, keepdim=True)
    return rest / torch.sqrt(rest.pow(2).mean(-1, keepdim=True) + 1e-5) * 1.5 + 0.1


@pytest.mark.parametrize("middle", GELUS.values(), ids=GELUS.keys())
def test_a_gelu_is_known_by_its_parts(middle, tmp_path: Path) -> None:
    job = job_of(Written(middle), torch.randn(1, 8), folder=tmp_path)
    model, _ = plain_model(job)
    name_nodes(model)
    others = {node.name for node in model.graph.node if node.op_type in ("Gemm", "MatMul", "Softmax")}
    found = gelus(model)
    assert len(found) == 5
    assert found | others == {node.name for node in model.graph.node}


def test_an_erf_alone_is_none(tmp_path: Path) -> None:
    model, _ = plain_model(job_of(Written(torch.erf), torch.randn(1, 8), folder=tmp_path))
    name_nodes(model)
    assert not gelus(model)


@pytest.mark.parametrize("strict", [False, True])
def test_what_a_norm_is_made_of_computes_in_float(strict: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    rows = torch.randn(6, 1, 8)
    (profile,) = choose_profiles("onnx", int8=True)
    job = job_of(Written(norm), rows[0], folder=tmp_path)
    made = convert(replace(job, profile=profile, sets=[rows.numpy()], strict_int8=strict))
    facts = inspect({"runtime": "onnxruntime", "model": str(tmp_path / "model.onnx"), "threads": 1})
    kinds = {one["type"] for one in facts["executed"]}
    stored = onnx.load_model(tmp_path / "model.onnx")
    after = {node.op_type for node in stored.graph.node}
    assert {"DequantizeLinear", "QuantizeLinear"} <= after
    if strict:
        assert not made.float_nodes
        assert "QLinearSoftmax" in kinds
        return
    assert "Softmax" in kinds
    assert not any(kind.startswith(("QLinearAdd", "QLinearMul")) for kind in kinds)
    (line,) = [note for note in made.notes if "faster so" in note]
    assert "1 Softmax" in line
    assert "Sub" in line
