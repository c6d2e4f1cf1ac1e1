"""A squeeze whose ReLU is zero on every image: XNNPACK refused to load its int8 file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.convert.tflite.asleep import ends, widen_asleep
from edgekit.convert.tflite.lowering import write_tflite
from edgekit.convert.tflite.ranges import calibrate

from .test_ranges import SETTINGS


@pytest.fixture(scope="module")
def asleep(tmp_path_factory):
    """A file with a layer asleep in its middle, and its ranges."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 2, 1), nn.ReLU(), nn.Conv2d(2, 8, 1)).eval()
    nn.init.constant_(network[1].bias, -100.0)
    path = tmp_path_factory.mktemp("asleep") / "model.tflite"
    path.write_bytes(write_tflite(torch.fx.symbolic_trace(network), (1, 3, 4, 4), "float32"))
    photos = np.random.default_rng(0).random((4, 1, 4, 4, 3)).astype(np.float32)
    return path, [{"args_0": photo} for photo in photos]


def quantized(path, ranges, folder):
    from litert_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
    made = tool.quantize(ranges, enable_progress_bar=False, enable_progress_report=False).quantized_model
    file = folder / "int8.tflite"
    file.write_bytes(bytes(made))
    return file


def load(file) -> None:
    from ai_edge_litert.interpreter import Interpreter

    Interpreter(str(file), num_threads=1).allocate_tensors()


def test_its_file_loads_with_a_wider_range_alone(asleep, tmp_path):
    path, rows = asleep
    ranges = calibrate(path, rows, SETTINGS, ())
    (name,) = [name for name, entry in ranges.items() if ends(entry) == (0.0, 0.0)]
    with pytest.raises(RuntimeError, match="XNNPACK"):
        load(quantized(path, calibrate(path, rows, SETTINGS, ()), tmp_path))
    before = {other: ends(entry) for other, entry in ranges.items()}
    assert widen_asleep(path, ranges, {name}) == 0
    assert widen_asleep(path, ranges) == 1
    assert {other for other, entry in ranges.items() if ends(entry) != before[other]} == {name}
    assert ends(ranges[name])[1] > 1e-3
    load(quantized(path, ranges, tmp_path))
