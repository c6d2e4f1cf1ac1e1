"""LiteRT's quantizer keeps in float what it is told to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn

from edgekit.convert.tflite.lowering import write_tflite
from edgekit.convert.tflite.quantizer import dynamic_range, float16_weights, static_int8

SHAPE = (1, 3, 8, 8)


@pytest.fixture(scope="module")
def float_file(tmp_path_factory) -> Path:
    """A convolution, a depthwise and a pointwise one, the middle one wide enough for every recipe."""
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 64, 3), nn.Conv2d(64, 64, 3, groups=64), nn.Conv2d(64, 64, 1)
    file = tmp_path_factory.mktemp("float") / "model.tflite"
    file.write_bytes(write_tflite(torch.fx.symbolic_trace(nn.Sequential(*layers).eval()), SHAPE, "float32"))
    return file


def tensors(model: bytes) -> dict[str, type]:
    """The type of each tensor of a file, by name."""
    return {str(one["name"]): one["dtype"] for one in Interpreter(model_content=model).get_tensor_details()}


def ends(model: bytes) -> tuple[type, type]:
    """The types of the input and the output."""
    tool = Interpreter(model_content=model)
    return tool.get_input_details()[0]["dtype"], tool.get_output_details()[0]["dtype"]


def operators(file: Path) -> list[str]:
    """What names each operator: the tensor that it computes."""
    tool = Interpreter(str(file))
    names = {int(one["index"]): str(one["name"]) for one in tool.get_tensor_details()}
    return [names[int(one["outputs"][0])] for one in tool._get_ops_details()]


def ranges_of(file: Path) -> dict[str, dict[str, np.ndarray]]:
    """Wide enough for anything here."""
    found = Interpreter(str(file)).get_tensor_details()
    end = {"min": -4.0, "max": 4.0}
    return {
        str(one["name"]): {key: np.full((1,) * len(one["shape"]), at, np.float32) for key, at in end.items()}
        for one in found
    }


@pytest.mark.parametrize("float_input", [True, False])
@pytest.mark.parametrize("float_output", [True, False])
def test_the_ends_stay_in_float_where_asked(float_file, float_input, float_output):
    made = static_int8(float_file, ranges_of(float_file), (), float_input=float_input, float_output=float_output)
    kinds = {True: np.float32, False: np.int8}
    assert ends(made) == (kinds[float_input], kinds[float_output])


def test_a_named_operator_computes_in_float_and_no_other(float_file):
    first, middle, last, transposed = operators(float_file)
    made = static_int8(float_file, ranges_of(float_file), [middle], float_input=False, float_output=False)
    found = tensors(made)
    assert found[middle] == np.float32
    assert found[last] == np.int8
    assert np.int8 in (found[name] for name in found if name.startswith(first))
    assert found[transposed] == np.int8


def test_dynamic_range_leaves_depthwise_weights_alone(float_file):
    kinds = list(tensors(dynamic_range(float_file)).values())
    assert kinds.count(np.int8) == 2
    assert ends(dynamic_range(float_file)) == (np.float32, np.float32)


def test_weights_become_float16(float_file):
    half = float16_weights(float_file)
    assert np.float16 in tensors(half).values()
    assert len(half) < 0.7 * float_file.stat().st_size
