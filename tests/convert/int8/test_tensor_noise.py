"""Which operators should stay in float, by what 8 bits do to the tensors around them."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.convert.int8.tensor_noise import Observed, Touched, moves


def observed(*values: np.ndarray) -> Observed:
    found = Observed(axis=1)
    for one in values:
        found.add(one.astype(np.float32))
    return found


def test_the_noise_of_a_tensor() -> None:
    """Against rounding it: the signal is what differs between the inputs, and the range is that of all of them."""
    generator = np.random.default_rng(0)
    rows = generator.normal(0, 1, (8, 1000)) + generator.normal(0, 3, 1000)
    found = observed(*rows)
    step = (rows.max() - rows.min()) / 255
    rounded = np.round(rows / step) * step
    expected = ((rounded - rows) ** 2).sum() / ((rows - rows.mean(0)) ** 2).sum()
    assert found.noise == pytest.approx(expected, rel=0.05)
    assert (found.low, found.high) == (pytest.approx(rows.min()), pytest.approx(rows.max()))


def test_its_ends_without_outliers() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (4, 8000)).astype(np.float32)
    found = Observed(1, inputs=4, outliers=8)
    for row in rows:
        found.add(row)
    ordered = np.sort(rows.ravel())
    assert found.ends(0) == (ordered[0], ordered[-1])
    assert found.ends(8) == (ordered[16], ordered[-17])  # a thousandth of 32,000 values: 16 at each end
    assert found.ends(2) == (ordered[4], ordered[-5])
    assert observed(*rows).ends(8) == (ordered[0], ordered[-1])  # nobody asked for them


def test_what_holds_one_value_or_never_changes() -> None:
    assert observed(np.zeros(4), np.zeros(4)).noise == 0.0
    assert observed(np.ones(4), np.ones(4)).noise == 1.0
    assert Observed(axis=1).noise == 0.0
    assert 0 < observed(np.arange(4)).noise < 1e-4


def test_what_is_infinite_has_no_range() -> None:
    found = observed(np.arange(4), np.array([0, 1, -np.inf, 2]), np.arange(4))
    assert not found.finite
    assert found.noise == 0.0
    assert observed(np.arange(4)).finite


def test_each_channel_counts() -> None:
    """A large channel does not hide what its range does to a small one."""
    generator = np.random.default_rng(0)
    small, large = generator.normal(0, 1, (2, 8, 1, 1, 50))
    alone, both = observed(*small), observed(*np.concatenate([small, 1000 * large], 2))
    assert alone.noise < 1e-3
    assert both.noise > 0.4
    assert observed(*np.concatenate([small, 0 * small], 2)).noise == pytest.approx(alone.noise / 2)


def test_a_step_counts_all_that_it_spares() -> None:
    """Two operators in float spare the tensor between them, and those that lie between either and itself."""
    tensors = [
        Touched(0.3, frozenset({"first", "second"}), "between"),
        Touched(0.3, frozenset({"second"}), "inside"),
        Touched(0.5, frozenset({"other"}), "other"),
    ]
    path = list(moves(tensors, {"last": 1}, most_float=0.5))
    assert [move.tensors for move in path] == [(), ("between",), ("between", "other")]
    assert [move.left for move in path] == pytest.approx([1.1, 0.5, 0.0])


def test_the_path_takes_most_noise_for_its_cost_first() -> None:
    tensors = [
        Touched(0.5, frozenset({"mul", "add"})),
        Touched(0.4, frozenset({"conv"})),
        Touched(0.1, frozenset({"small"})),
        Touched(0.0, frozenset({"idle"})),
    ]
    path = list(moves(tensors, {"conv": 70, "small": 30}, most_float=0.5))
    assert [sorted(move.operators) for move in path] == [[], ["add", "mul"], ["add", "mul", "small"]]
    assert [move.share for move in path] == [0.0, 0.0, 0.3]
    assert [move.left for move in path] == pytest.approx([1.0, 0.5, 0.4])
