"""Functions of an ONNX file that mean more operators than memory holds are refused before a runtime unfolds them."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import FunctionProto, TensorProto, helper

from edgekit.errors import UsageError
from edgekit.verify.foreign import external_files

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
RELU = helper.make_node("Relu", ["a"], ["b"])


def function(number: int, *calls: int) -> FunctionProto:
    """``F<number>``, which calls the others one after another."""
    names = ["a", *(f"t{place}" for place in range(1, len(calls))), "b"]
    steps = [
        helper.make_node(f"F{called}", [before], [after], domain="own")
        for called, before, after in zip(calls, names, names[1:], strict=False)
    ]
    return helper.make_function("own", f"F{number}", ["a"], ["b"], steps or [RELU], OPSETS)


def saved(path: Path, first: int, *functions: FunctionProto) -> Path:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    call = helper.make_node(f"F{first}", ["x"], ["y"], domain="own")
    graph = helper.make_graph([call], "g", ends[:1], ends[1:])
    onnx.save_model(helper.make_model(graph, functions=functions, opset_imports=OPSETS, ir_version=8), path)
    return path


def test_functions_that_double_each_other(tmp_path: Path) -> None:
    """Sixteen mean 65,536 operators, seventeen twice as many, and a hundred more than can be counted out."""
    chain = [function(0), *(function(number, number - 1, number - 1) for number in range(1, 101))]
    assert external_files(saved(tmp_path / "a.onnx", 16, *chain[:17])) == ()
    for last in (17, 100):
        path = saved(tmp_path / f"{last}.onnx", last, *chain[: last + 1])
        with pytest.raises(UsageError, match=r"\.onnx has more than 100,000 operators, its functions unfolded"):
            external_files(path)


def test_a_function_that_calls_itself(tmp_path: Path) -> None:
    for functions in ([function(0, 0)], [function(0, 1), function(1, 2), function(2, 0)]):
        with pytest.raises(UsageError, match=r"a\.onnx has the function 'F[0-2]', which calls itself"):
            external_files(saved(tmp_path / "a.onnx", 0, *functions))


def test_a_long_chain_is_none_of_these(tmp_path: Path) -> None:
    """Deeper than Python's own stack."""
    chain = [function(0), *(function(number, number - 1) for number in range(1, 3000))]
    assert external_files(saved(tmp_path / "a.onnx", 2999, *chain)) == ()
