"""A weight is told by who reads it: biases, addends and scales of any size are none."""

from __future__ import annotations

from edgekit.types.answers import Node, Tensor
from edgekit.verify.roles import weights


def names(nodes, *constants):
    told = {"shape": None, "dtype": "float32", "bytes": None}
    tensors = [Tensor(id=name, name=name, constant=name != "x", **told) for name in (*constants, "x")]
    nodes = [
        Node(type=kind, name=written, inputs=(), outputs=(), reads=tuple(reads), writes=(written,))
        for kind, written, *reads in nodes
    ]
    return [t.id for t in weights(nodes, tensors)]


def test_the_multiplied_operand_is_a_weight_and_the_bias_is_none():
    assert names([("Conv", "y", "x", "w", "b")], "w", "b") == ["w"]
    assert names([("FULLY_CONNECTED", "y", "x", "w", "b")], "w", "b") == ["w"]
    assert names([("TRANSPOSE_CONV", "y", "shape", "w", "x", "b")], "shape", "w", "b") == ["w"]


def test_addends_scales_and_slopes_are_none():
    chain = [("Convolution", "c", "x", "w"), ("Add", "a", "c", "b"), ("Multiply", "m", "a", "s")]
    assert names([*chain, ("PRelu", "y", "m", "p")], "w", "b", "s", "p") == ["w"]


def test_a_weight_is_found_behind_a_conversion_and_its_scale_is_none():
    chain = [("Convert", "f", "w"), ("Multiply", "d", "f", "s"), ("Reshape", "r", "d", "shape")]
    assert names([*chain, ("GroupConvolution", "y", "x", "r")], "w", "s", "shape") == ["w"]


def test_a_constant_that_is_multiplied_from_the_left_is_a_weight():
    assert names([("MatMul", "y", "w", "x")], "w") == ["w"]


def test_what_depends_on_the_input_leads_to_no_constant():
    """A product of two computed tensors has no weights, whatever constants were added on the way."""
    assert names([("Add", "a", "b", "x"), ("MatMul", "y", "a", "x")], "b") == []


def test_a_constant_that_is_a_bias_to_one_and_a_weight_to_another_is_a_weight():
    assert names([("Gemm", "c", "x", "w", "b"), ("MatMul", "y", "c", "b")], "w", "b") == ["w", "b"]
