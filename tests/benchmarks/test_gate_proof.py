"""The published proof: it says what its data say, the data meet the targets, and its faults are faults."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parent.parent.parent
PUBLISHED = ROOT / "benchmarks" / "results" / "gate"
PAGE = ROOT / "docs" / "results" / "gate-proof.md"


@pytest.fixture
def proof() -> ModuleType:
    """``benchmarks/gate_proof.py``."""
    from benchmarks import gate_proof

    return gate_proof


@pytest.fixture
def simulation() -> dict:
    return json.loads((PUBLISHED / "simulation.json").read_text())


def test_the_page_is_that_of_the_published_data(proof: ModuleType, simulation: dict) -> None:
    from benchmarks import gate_proof_page

    lines = proof.read_lines(PUBLISHED / "real.jsonl")
    says = {name: case.says for name, case in proof.CASES.items()}
    assert gate_proof_page.page(simulation, lines, says) == PAGE.read_text()
    assert json.loads(json.dumps(gate_proof_page.summary(lines))) == json.loads((PUBLISHED / "real.json").read_text())


def test_the_targets_are_met_in_simulation(simulation: dict) -> None:
    usual = [row for row in simulation["gates"] if row["tolerance"] > 0]
    assert all(row["gates"] >= 2000 for row in usual)
    assert len({row["noise"] for row in usual}) >= 7
    assert all(row["fail_interval"][1] <= 0.01 for row in usual if row["effect"] == 0)
    quiet = [row for row in usual if row["effect"] == 0.05 and row["noise"] in ("quiet x86", "Pi-like", "heavy tails")]
    assert all(row["fail_interval"][0] >= 0.95 for row in quiet)


def test_no_published_real_gate_cried_wolf(proof: ModuleType) -> None:
    lines = proof.read_lines(PUBLISHED / "real.jsonl")
    innocent = [line for line in lines if line["case"].startswith(("aa", "neighbour"))]
    assert innocent
    fails = [line["reason"] for line in innocent if line["status"] == "FAIL"]
    assert len(fails) <= 0.01 * len(innocent), fails


def test_a_split_convolution_computes_the_same(proof: ModuleType, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape, np.float32) for shape in ((12, 2, 3, 3), (12,), (12, 1, 3, 3))]
    nodes = [
        helper.make_node("Conv", ["x", "w0", "w1"], ["a"], group=4, pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Conv", ["a", "w2"], ["y"], group=12, pads=[1, 1, 1, 1]),
    ]
    values = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 8, 8, 8]), ("y", [1, 12, 4, 4]))
    ]
    tensors = [numpy_helper.from_array(array, f"w{index}") for index, array in enumerate(weights)]
    graph = helper.make_graph(nodes, "grouped", values[:1], values[1:], tensors)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "whole.onnx"
    )
    assert (
        proof.split_group_convolutions(tmp_path / "whole.onnx", tmp_path / "split.onnx") == 1
    )  # not the depthwise one
    split = onnx.load(tmp_path / "split.onnx")
    assert [node.op_type for node in split.graph.node].count("Conv") == 5
    given = {"x": rng.standard_normal((1, 8, 8, 8), np.float32)}
    whole, parts = (
        onnxruntime.InferenceSession(tmp_path / name, providers=["CPUExecutionProvider"]).run(None, given)[0]
        for name in ("whole.onnx", "split.onnx")
    )
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-5)


def test_a_line_that_was_cut_short_does_not_stop_the_next_run(proof: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "real.jsonl"
    path.write_text('{"case": "aa"}\n{"case": "a')
    assert proof.read_lines(path) == [{"case": "aa"}]
    assert proof.read_lines(tmp_path / "none.jsonl") == []
