"""ONNX files are written so that old runtimes read them: IR version 8 and opset 18, or the opset that is asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.progress import silent
from edgekit.convert.onnx.version import with_opset
from edgekit.errors import UsageError
from edgekit.forms.profiles import choose_matrix, choose_profiles
from edgekit.types import ONNX_IR, ONNX_OPSET
from edgekit.verbs.export import export

RUN = """
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
numpy.save(sys.argv[3], session.run(None, {session.get_inputs()[0].name: numpy.load(sys.argv[2])})[0])
"""


def versions(file: Path) -> tuple[int, int]:
    model = onnx.load_model(file)
    return next(e.version for e in model.opset_import if e.domain in ("", "ai.onnx")), model.ir_version


@pytest.mark.parametrize("precision", ["fp32", "fp16", "dynamic", "int8"])
def test_an_old_runtime_reads_every_precision(make, old_python, tmp_path, precision):
    made = make("onnx", precision)
    assert versions(made.file) == (18, 8)
    check = np.load(made.folder / "check.npz")
    np.save(tmp_path / "in.npy", check["input"])
    command = [str(old_python), "-c", RUN, str(made.file), str(tmp_path / "in.npy"), str(tmp_path / "out.npy")]
    subprocess.run(command, check=True, timeout=120)
    seen, reference = np.load(tmp_path / "out.npy"), check["reference"]
    assert np.dot(seen[0], reference[0]) / np.linalg.norm(seen) / np.linalg.norm(reference) > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{"fp16": True}, {"int8": True, "target": "x86-avx2"}])
def test_an_older_opset_and_another_ir_version_are_written(card_file, tmp_path, asked):
    (profile,) = choose_profiles("onnx", opset=15, ir_version=9, form="default", **asked)
    (outcome,) = export([str(card_file)], [profile], ExportOptions(out=tmp_path), silent)
    assert outcome.status == "converted", outcome.error
    assert outcome.folder.name == f"onnx-{profile.precision}-opset15-ir9"
    assert versions(outcome.folder / "model.onnx") == (15, 9)
    ops = [node.op_type for node in onnx.load_model(outcome.folder / "model.onnx").graph.node]
    assert "GlobalAveragePool" in ops
    assert "ReduceMean" not in ops


def test_a_network_that_an_opset_cannot_hold_is_told_without_the_converters_own_path():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Mish", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", ONNX_OPSET)], ir_version=ONNX_IR)
    with pytest.raises(UsageError) as caught:
        with_opset(model, 15)
    assert str(caught.value) == ("the network cannot be written in ONNX opset 15: No Previous Version of Mish exists")
    assert with_opset(model, ONNX_OPSET) is model


def test_only_onnx_has_the_versions():
    names = [profile.name for profile in choose_profiles("all", opset=17)]
    assert names == ["onnx-fp32-opset17", "tflite-fp32", "openvino-fp32"]
    assert [profile.name for profile in choose_profiles("onnx", opset=18, ir_version=8)] == ["onnx-fp32"]
    assert [p.name for p in choose_matrix("onnx", ir_version=10)] == ["onnx-fp32-ir10", "onnx-int8-ir10"]
    with pytest.raises(UsageError, match="--opset and --ir-version is about ONNX files, and this export makes none"):
        choose_profiles("tflite", opset=17, ir_version=9)
