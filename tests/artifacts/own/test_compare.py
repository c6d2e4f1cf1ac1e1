"""What an output may be off by: its precision's bounds, and what the network makes of the rounding of float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit.artifacts.own.compare import bounds_of, own_rounding, reference
from edgekit.artifacts.own.network import OwnNetwork, OwnOptions
from edgekit.artifacts.own.onnx_file import from_onnx, refuse_large
from edgekit.errors import UsageError
from edgekit.forms.profiles import choose_profiles


def network(folder: Path, factor: float, options: OwnOptions | None = None) -> OwnNetwork:
    """Of two outputs: ``sin(factor x)``, which turns round with the last digits of ``x``, and ``relu(x)``."""
    nodes = [
        helper.make_node("Mul", ["x", "factor"], ["large"]),
        helper.make_node("Sin", ["large"], ["steep"]),
        helper.make_node("Relu", ["x"], ["flat"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8]) for name in ("x", "steep", "flat")]
    constant = numpy_helper.from_array(np.asarray(factor, np.float32), "factor")
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, folder / "net.onnx")
    return from_onnx(folder / "net.onnx", options or OwnOptions(), folder, [])


def test_the_rounding_of_a_network(tmp_path: Path) -> None:
    made = network(tmp_path, 1e4)
    steep, flat = own_rounding(made, reference(made))
    assert 1e-4 < steep < 1e-2
    assert flat < 1e-6


def test_an_output_that_is_not_finite_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the output 'steep' of net is not finite for set 0 of the inputs"):
        reference(network(tmp_path, np.nan))


def test_the_bounds_that_are_asked_for(tmp_path: Path) -> None:
    """They are those of int8 alone; random inputs say nothing about images."""
    made = network(tmp_path, 1.0, OwnOptions(min_sqnr_db=25.0))
    (of_int8,), (of_float,) = choose_profiles("onnx", int8=True), choose_profiles("onnx")
    assert bounds_of(made, of_int8).min_sqnr_db == 25.0
    assert bounds_of(made, of_int8).min_image_sqnr_db is None
    assert bounds_of(made, of_float).min_sqnr_db == of_float.parity.min_sqnr_db


def test_a_file_that_no_converter_holds() -> None:
    with pytest.raises(UsageError, match=r"large\.onnx has 2\.3 GB with its weights") as caught:
        refuse_large(Path("large.onnx"), 2_300_000_000)
    assert "edgekit profile large.onnx" in caught.value.hint
