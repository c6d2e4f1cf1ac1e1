"""The tensors inside a file: each figure is that of its own operator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.verify.taps import Tapped, tap_openvino

SHAPE = (1, 4, 5, 5)


def owners(name: str) -> set[str]:
    """The layer of an operator: what stands in front of the slash."""
    return {name.partition("/")[0]} if "/" in name else set()


@pytest.fixture
def sample() -> np.ndarray:
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


# OpenVINO


def saved(folder: Path, build: Callable) -> Path:
    """A file of what ``build`` makes of OpenVINO's operators and an input."""
    import openvino
    from openvino import opset13

    given = opset13.parameter(SHAPE, np.float32, name="input")
    openvino.save_model(openvino.Model(build(opset13, given), [given], "small"), folder / "model.xml", False)
    return folder / "model.xml"


def named(op, name: str):
    op.set_friendly_name(name)
    return op


def values_of(tapped: Tapped, sample: np.ndarray) -> dict[str, np.ndarray]:
    values, _ = tapped.run(sample)
    return {tap.name: value for tap, value in zip(tapped.taps, values, strict=True)}


def test_a_tap_that_is_the_files_output_shifts_no_other(tmp_path, sample):
    """OpenVINO adds no output for it: those behind it would be counted one too far."""

    def build(ops, given):
        first = named(ops.multiply(given, np.float32(2)), "first/Multiply")
        # The last operator in the order of execution may be another than the one that is the output.
        side = named(ops.multiply(first, np.float32(3)), "side/Multiply")
        scores = named(ops.add(first, np.float32(1)), "scores/Add")
        return [scores, named(ops.multiply(side, np.float32(5)), "end/Multiply")]

    tapped = tap_openvino(saved(tmp_path, build), owners)
    found = values_of(tapped, sample)
    assert set(found) == {"first/Multiply", "side/Multiply", "scores/Add", "end/Multiply"}
    np.testing.assert_allclose(found["first/Multiply"], 2 * sample, rtol=1e-6)
    np.testing.assert_allclose(found["side/Multiply"], 6 * sample, rtol=1e-6)
    np.testing.assert_allclose(found["scores/Add"], 2 * sample + 1, rtol=1e-6)
    np.testing.assert_allclose(found["end/Multiply"], 30 * sample, rtol=1e-6)
    np.testing.assert_array_equal(tapped.run(sample)[1], found["scores/Add"])


def test_operators_of_one_name_are_told_apart(tmp_path, sample):
    """Friendly names are for people."""

    def build(ops, given):
        first = named(ops.multiply(given, np.float32(2)), "layer/aten")
        return [ops.negative(named(ops.multiply(first, np.float32(3)), "layer/aten"))]

    values, _ = tap_openvino(saved(tmp_path, build), owners).run(sample)
    for value, factor in zip(values, (2, 6), strict=True):
        np.testing.assert_allclose(value, factor * sample, rtol=1e-6)
