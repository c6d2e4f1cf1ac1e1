"""Calibration of TFLite: what the quantizer's own calibrator finds, and ranges without outliers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.catalog import profile_for
from edgekit.convert.tflite.lowering import write_tflite
from edgekit.convert.tflite.ranges import calibrate

SETTINGS = profile_for("tflite", "int8").quantization


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A file and inputs for it, one of them with an outlier behind the first convolution."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    traced = torch.fx.symbolic_trace(network.eval())
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    path.write_bytes(write_tflite(traced, (1, 3, 40, 40), "float32"))
    photos = np.random.default_rng(0).random((4, 1, 40, 40, 3)).astype(np.float32)
    photos[2, 0, 7, 7] = 50
    return path, [{"args_0": photo} for photo in photos]


def with_ranges(ranges: str):
    return SETTINGS.model_copy(update={"ranges": ranges})


def test_smallest_and_largest_are_the_quantizers_own(model):
    from litert_quantizer import calibrator, recipe, recipe_manager
    from litert_quantizer.utils.qsv_utils import min_max_update

    path, rows = model
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipe.static_wi8_ai8())
    tool = calibrator.Calibrator(str(path), qsv_update_func=min_max_update)
    tool.calibrate({"serving_default": rows}, manager)
    expected = tool.get_model_qsvs()
    found = calibrate(path, rows, with_ranges("min-max"), ())
    assert found.keys() == expected.keys()
    for name, ends in found.items():
        for end in ("min", "max"):
            assert ends[end].shape == expected[name][end].shape
            assert ends[end] == expected[name][end]


def test_outliers_are_cut_inside_and_float_operators_left_out(model):
    path, rows = model
    whole = calibrate(path, rows, with_ranges("min-max"), ())
    inner = calibrate(path, rows, with_ranges("outliers"), ())
    first, *between, last = whole
    assert between
    for end in ("min", "max"):
        assert all(whole[name][end] == inner[name][end] for name in (first, last))  # input and scores
    assert any(inner[name]["max"] < 0.7 * whole[name]["max"] for name in between)
    left = calibrate(path, rows, with_ranges("min-max"), [name for name in whole if name != last])
    assert len(left) < len(whole)
