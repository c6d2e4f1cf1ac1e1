"""Ranges of activations from what a model's tensors hold: no outliers, channels not too narrow, a code for zero."""

from __future__ import annotations

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from edgekit.catalog import profile_for
from edgekit.convert.openvino.observed import Ends, quantizers_of, set_ranges

SETTINGS = profile_for("openvino", "int8").quantization
FOUR = (1, 4, 1, 1)


def model() -> openvino.Model:
    """A quantizer of the input, and one for each channel behind a ReLU, as NNCF places them; their ranges are wrong."""
    given = ops.parameter([1, 4, 8, 8], np.float32, name="input")
    whole = ops.fake_quantize(given, *(np.float32(end) for end in (-9, 9, -9, 9)), 256)
    weights = ops.fake_quantize(np.ones(FOUR, np.float32), *(np.float32(end) for end in (-1, 1, -1, 1)), 255)
    relu = ops.multiply(ops.relu(whole), weights)
    low, high = np.zeros(FOUR, np.float32), np.full(FOUR, 9, np.float32)
    return openvino.Model([ops.fake_quantize(relu, low, high, low, high, 256)], [given], "small")


def images() -> list[np.ndarray]:
    """Channels of several sizes, the last one zero, and a few outliers."""
    draw = np.random.default_rng(0)
    sizes = np.array([1, 0.1, 0.01, 0], np.float32).reshape(FOUR)
    rows = [draw.uniform(-1, 1, (1, 4, 8, 8)).astype(np.float32) * sizes for _ in range(16)]
    rows[3][0, 0, 0, 0], rows[5][0, 0, 0, 0] = 50, -70
    return rows


def ranges(quantized: openvino.Model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of the two quantizers; what they take is what they give."""
    found = []
    for op in quantizers_of(quantized):
        ends = [np.array(op.input_value(position).get_node().get_data()).ravel() for position in (1, 2, 3, 4)]
        assert np.array_equal(ends[:2], ends[2:])
        found.append((ends[0], ends[1]))
    return found


@pytest.mark.parametrize("way", ["min-max", "outliers"])
def test_each_quantizer_gets_its_range(way):
    quantized, rows = model(), images()
    assert set_ranges(quantized, rows, SETTINGS.model_copy(update={"ranges": way})) == 2
    (low, high), (floor, tops) = ranges(quantized)
    values = np.sort(np.concatenate([row.ravel() for row in rows]))
    cut = 2 if way == "outliers" else 0  # half of a thousandth of 16 x 256 values
    whole = -min(values[cut], 0), max(values[-1 - cut], 0)
    step = (high - low)[0] / 255
    assert abs(low[0] + whole[0]) <= step
    assert abs(high[0] - whole[1]) <= step
    assert abs(low[0] / step - round(low[0] / step)) < 1e-3  # zero has a code
    top = whole[1] if way == "min-max" else max(values[-1 - cut], 0)
    own = np.maximum(np.max(rows, axis=(0, 1, 3, 4)), 0)
    assert np.array_equal(floor, np.zeros(4))
    np.testing.assert_allclose(tops, np.clip(own, 1e-3 * top, top) ** (2 / 3) * top ** (1 / 3), rtol=1e-5)
    # Nothing but the ends of a range has changed, and what a code stands for is near what it was.
    (made,) = openvino.compile_model(quantized, "CPU")(rows[0]).values()
    assert np.abs(made - np.maximum(rows[0], 0)).max() < step


def test_symmetric_ranges():
    quantized = model()
    set_ranges(quantized, images(), SETTINGS.model_copy(update={"ranges": "min-max", "activations": "symmetric"}))
    (low, high), (floor, tops) = ranges(quantized)
    assert (low[0], high[0]) == (pytest.approx(-70 * 128 / 127), pytest.approx(70))
    assert np.array_equal(floor, np.zeros(4))
    assert (tops > 0).all()


def test_zeros_keep_the_range_that_they_have():
    quantized = model()
    before = ranges(quantized)
    assert (
        set_ranges(quantized, [np.zeros((1, 4, 8, 8), np.float32)], SETTINGS.model_copy(update={"ranges": "outliers"}))
        == 0
    )
    np.testing.assert_equal(ranges(quantized), before)


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_the_outermost_values_are_those_of_all_images(cut):
    draw = np.random.default_rng(cut)
    rows = [draw.normal(size=(1, 3, 5, 5)).astype(np.float32) for _ in range(6)]
    ends = Ends(cut)
    for row in rows:
        ends.add(row)
    values = np.sort(np.ravel(rows))
    assert ends.whole[:, 0] == pytest.approx([-values[cut], values[-1 - cut]])
    assert ends.channels[1] == pytest.approx(np.max(rows, axis=(0, 1, 3, 4)))
    assert ends.channels[0] == pytest.approx(-np.min(rows, axis=(0, 1, 3, 4)))
