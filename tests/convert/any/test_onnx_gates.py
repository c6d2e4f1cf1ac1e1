"""Operators of ONNX models in others that have int8 kernels: the same values, and which operators are left."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.any.onnx_gates import with_int8_gates

SHAPE = [1, 4, 6, 6]
SWISH = {"alpha": 1 / 6, "beta": 0.5}


def model(nodes: list[Any], ends: tuple[str, ...] = ("y",), rank: int = 4, **constants: Any) -> onnx.ModelProto:
    """A model of ``x`` whose operators are named."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 4, 1, 1)).astype(np.float32)
    stored = {"kernel": kernel, **{name: np.asarray(value) for name, value in constants.items()}}
    for place, node in enumerate(nodes):
        node.name = f"{node.op_type}_{place}"
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info(end, TensorProto.FLOAT, [None] * rank) for end in ends],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run(made: onnx.ModelProto) -> list[Any]:
    """The outputs on random values."""
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.random.default_rng(1).normal(0, 4, SHAPE).astype(np.float32)})


def kinds(made: onnx.ModelProto) -> Counter[str]:
    """How many operators there are of each type."""
    return Counter(node.op_type for node in made.graph.node)


def node(kind: str, inputs: str, output: str, **said: Any) -> Any:
    """An operator."""
    return helper.make_node(kind, inputs.split(), [output], **said)


CASES = {
    "swish before a layer": (
        [node("HardSwish", "x", "a"), node("Conv", "a kernel", "y")],
        {},
        {"Add": 1, "Clip": 1, "Mul": 1, "Conv": 1},
    ),
    "swish at the end": ([node("HardSwish", "x", "y")], {}, {"Add": 1, "Clip": 1, "Mul": 2}),
    "gate and product": (
        [node("HardSigmoid", "x", "g", **SWISH), node("Mul", "g x", "a"), node("Conv", "a kernel", "y")],
        {},
        {"Add": 1, "Clip": 1, "Mul": 1, "Conv": 1},
    ),
    "a gate of other slope": (
        [node("HardSigmoid", "x", "g", alpha=0.2, beta=0.5), node("Mul", "g x", "y")],
        {},
        {"HardSigmoid": 1, "Mul": 1},
    ),
    "a gate of something else": (
        [node("HardSigmoid", "x", "g", **SWISH), node("Relu", "x", "r"), node("Mul", "g r", "y")],
        {},
        {"HardSigmoid": 1, "Relu": 1, "Mul": 1},
    ),
    "two layers": (
        [
            node("HardSwish", "x", "a"), node("Conv", "a kernel", "b"), node("Conv", "a kernel", "c"),
            node("Add", "b c", "y"),
        ],
        {},
        {"Add": 2, "Clip": 1, "Mul": 1, "Conv": 2},
    ),
    "a layer and something else": (
        [node("HardSwish", "x", "a"), node("Conv", "a kernel", "b"), node("Add", "a b", "y")],
        {},
        {"Add": 2, "Clip": 1, "Mul": 2, "Conv": 1},
    ),
    "division before a layer": (
        [node("Div", "x six", "a"), node("Conv", "a kernel", "y")],
        {"six": np.float32([6])},
        {"Conv": 1},
    ),
    "division by channel": (
        [node("Div", "x each", "a"), node("Conv", "a kernel", "y")],
        {"each": np.float32([1, 2, 3, 4]).reshape(4, 1, 1)},
        {"Mul": 1, "Conv": 1},
    ),
    "division of a constant": ([node("Div", "six x", "y")], {"six": np.float32(6)}, {"Div": 1}),
    "division by a constant node": (
        [
            helper.make_node("Constant", [], ["six"], value=numpy_helper.from_array(np.float32(6))),
            node("Div", "x six", "y"),
        ],
        {},
        {"Mul": 1},
    ),
    "data as weights": (
        [node("Div", "x six", "a"), node("MatMul", "a x", "y")],
        {"six": np.float32(6)},
        {"Mul": 1, "MatMul": 1},
    ),
    "mean of maps": ([node("ReduceMean", "x axes", "y")], {"axes": np.int64([-1, 2])}, {"GlobalAveragePool": 1}),
    "mean of rows": ([node("ReduceMean", "x axes", "y")], {"axes": np.int64([3])}, {"ReduceMean": 1}),
    "a gelu": (
        [
            node("Div", "x root", "a"), node("Erf", "a", "b"), node("Add", "b one", "c"), node("Mul", "x c", "d"),
            node("Mul", "d half", "e"), node("Conv", "e kernel", "y"),
        ],
        {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)},
        {"Div": 1, "Erf": 1, "Add": 1, "Mul": 2, "Conv": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_same_values_in_other_operators(case: Any) -> None:
    nodes, constants, left = case
    made = model(nodes, **constants)
    before = run(made)
    changed = with_int8_gates(made)
    onnx.checker.check_model(changed, full_check=True)
    assert kinds(changed) == left
    for was, now in zip(before, run(changed), strict=True):
        np.testing.assert_allclose(now, was, rtol=1e-5, atol=1e-5 * float(np.abs(was).max()))


def test_a_mean_without_its_dimensions() -> None:
    made = model([node("ReduceMean", "x axes", "y", keepdims=0)], rank=2, axes=np.int64([2, 3]))
    before = run(made)
    changed = with_int8_gates(made)
    assert kinds(changed) == {"GlobalAveragePool": 1, "Flatten": 1}
    np.testing.assert_allclose(run(changed)[0], before[0], rtol=1e-5, atol=1e-6)


def test_a_swish_that_is_an_output_too() -> None:
    made = model([node("HardSwish", "x", "y"), node("Conv", "y kernel", "z")], ends=("y", "z"))
    before = run(made)
    for was, now in zip(before, run(with_int8_gates(made)), strict=True):
        np.testing.assert_allclose(now, was, rtol=1e-5, atol=1e-4)


def test_what_a_branch_reads_stays() -> None:
    branch = helper.make_graph(
        [node("Identity", "a", "b")], "branch", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, SHAPE)]
    )
    made = model(
        [
            node("Div", "x six", "a"),
            helper.make_node("If", ["yes"], ["c"], then_branch=branch, else_branch=branch),
            node("Conv", "a kernel", "d"),
            node("Add", "c d", "y"),
        ],
        six=np.float32(6),
        yes=np.bool_(True),
    )
    before = run(made)
    changed = with_int8_gates(made)
    assert kinds(changed) == {"Mul": 1, "If": 1, "Conv": 1, "Add": 1}
    np.testing.assert_allclose(run(changed)[0], before[0], rtol=1e-5, atol=1e-5)


CHAIN = st.lists(st.sampled_from(["swish", "gate", "div", "scale", "conv", "relu", "join"]), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(CHAIN)
def test_any_chain_keeps_its_values(steps: list[str]) -> None:
    nodes, last, other = [], "x", "x"
    for place, step in enumerate(steps):
        out = f"t{place}"
        if step == "gate":
            nodes += [node("HardSigmoid", last, f"g{place}", **SWISH), node("Mul", f"{last} g{place}", out)]
        else:
            kind, inputs = {
                "swish": ("HardSwish", last),
                "div": ("Div", f"{last} six"),
                "scale": ("Mul", f"half {last}"),
                "conv": ("Conv", f"{last} kernel"),
                "relu": ("Relu", last),
                "join": ("Add", f"{last} {other}"),
            }[step]
            nodes.append(node(kind, inputs, out))
        other, last = last, out
    made = model([*nodes, node("Identity", last, "y")], six=np.float32(6), half=np.float32(0.5))
    before = run(made)
    now = run(with_int8_gates(made))
    np.testing.assert_allclose(now[0], before[0], rtol=1e-4, atol=1e-5 * max(1.0, float(np.abs(before[0]).max())))
