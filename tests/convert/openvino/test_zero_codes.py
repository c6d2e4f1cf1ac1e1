"""A concatenation whose inputs share a code for zero, and a Gather behind it."""

from __future__ import annotations

import numpy as np
import openvino
from openvino import opset13 as ops

from edgekit.convert.openvino.zero_codes import code_of, part_zeros


def model(first: float, second: float, gather: bool = True) -> openvino.Model:
    """Two quantizers with these steps and 135 as their zero, concatenated."""
    given = [ops.parameter([1, 4, 8, 8], np.float32) for _ in range(2)]
    parts = []
    for source, step in zip(given, (first, second), strict=True):
        low, high = np.float32(-135 * step), np.float32(120 * step)
        parts.append(ops.fake_quantize(source, low, high, low, high, 256))
    out = ops.concat(parts, 1)
    if gather:
        out = ops.gather(out, np.arange(7, -1, -1), np.int64(1))
    return openvino.Model([ops.relu(out)], given, "small")


def zeros(made: openvino.Model) -> list[int]:
    return [code_of(op)[0] for op in made.get_ordered_ops() if op.get_type_name() == "FakeQuantize"]


def test_one_of_the_zeros_moves():
    made = model(2**-5, 2**-6)
    assert part_zeros(made) == 1
    assert sorted(zeros(made)) == [134, 135]
    (moved,) = [op for op in made.get_ordered_ops() if (code_of(op) or [0])[0] == 134]
    assert moved.input_value(1).get_node().get_data().item() <= -135 * 2**-6 * 0.99999
    assert moved.input_value(2).get_node().get_data().item() >= 120 * 2**-6 * 0.99999
    assert part_zeros(made) == 0
    openvino.compile_model(made, "CPU")


def test_what_does_no_harm_stays():
    for made in (model(2**-5, 2**-5), model(2**-5, 2**-6, gather=False)):
        assert part_zeros(made) == 0
        assert zeros(made) == [135, 135]
