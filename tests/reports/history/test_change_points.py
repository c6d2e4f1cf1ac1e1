"""E-divisive: quiet on noise, awake to steps and to creep."""

import math
import random
import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgekit.reports.history.change_points import MIN_SEGMENT, change_points, strongest


def noise(count: int, seed: int, spread: float = 0.01) -> list[float]:
    """Medians of launches: a small launch effect, now and then a busy machine."""
    generator = random.Random(seed)
    return [
        10.0 * math.exp(generator.gauss(0, spread) + (generator.expovariate(20) if generator.random() < 0.1 else 0))
        for _ in range(count)
    ]


def test_noise_seldom_shows_a_change():
    false = sum(bool(change_points(noise(30, seed))) for seed in range(200))
    assert false <= 7  # 2 are expected at 1 %; 8 or more would happen once in 900 such tests


@pytest.mark.parametrize(("change", "least"), [(1.05, 14), (0.95, 14), (1.03, 12)])
def test_a_step_is_found_where_it_is(change: float, least: int):
    hits = near = 0
    for seed in range(15):
        values = noise(30, seed)
        found = change_points([value * (change if i >= 18 else 1) for i, value in enumerate(values)])
        hits += bool(found)
        near += any(abs(point.index - 18) <= 2 for point in found)
    assert hits >= least
    assert near >= least - 1


def test_the_statistic_is_the_published_one():
    values = np.log(noise(12, 5))
    index, statistic = strongest(np.abs(values[:, None] - values[None, :]))

    def energy(split: int, end: int) -> float:
        left, right = values[:split], values[split:end]
        between = np.mean([abs(a - b) for a in left for b in right])
        within = [np.mean([abs(a - b) for a, b in combinations(side, 2)]) for side in (left, right)]
        return len(left) * len(right) / (len(left) + len(right)) * (2 * between - sum(within))

    every = {
        (split, end): energy(split, end)
        for split in range(MIN_SEGMENT, 13 - MIN_SEGMENT)
        for end in range(split + MIN_SEGMENT, 13)
    }
    best = max(every, key=every.__getitem__)
    assert index == best[0]
    assert statistic == pytest.approx(every[best])


def test_what_rises_and_falls_again_is_found():
    values = noise(30, 2, spread=0.005)
    found = change_points([value * (1.1 if 10 <= i < 20 else 1) for i, value in enumerate(values)])
    assert [point.index for point in found] == [10, 20]


def test_two_steps_are_both_found():
    values = noise(45, 1, spread=0.005)
    levels = [1.0] * 15 + [1.08] * 15 + [0.97] * 15
    found = [point.index for point in change_points([v * level for v, level in zip(values, levels, strict=True)])]
    assert len(found) == 2
    assert found == [pytest.approx(15, abs=1), pytest.approx(30, abs=1)]


def test_creep_of_a_third_of_a_percent_a_run_is_found():
    hits = 0
    for seed in range(15):
        found = change_points([value * 1.0033**i for i, value in enumerate(noise(30, seed))])
        hits += bool(found)
    assert hits >= 14


def test_a_significant_but_tiny_step_is_not_worth_a_word():
    assert change_points([1.0 + 1e-4 * (i % 3) for i in range(20)] + [1.005 + 1e-4 * (i % 3) for i in range(20)]) == []


@pytest.mark.parametrize("count", range(2 * MIN_SEGMENT))
def test_too_few_values_show_nothing(count: int):
    assert change_points([1.0] * (count // 2) + [2.0] * (count - count // 2)) == []


def test_equal_values_show_nothing():
    assert change_points([3.0] * 40) == []


@settings(max_examples=15, deadline=None)
@example([1.0, 1.0, 1.0, 1.0150668103774638, 2.0, 2.0, 1.5, 2.0], 1.0)
@given(st.lists(st.floats(0.5, 2.0), min_size=8, max_size=24), st.floats(0.01, 1000))
def test_scaling_changes_nothing_and_the_result_repeats(values: list[float], factor: float):
    found = change_points(values)
    assert found == change_points(values)
    indices = [point.index for point in found]
    assert indices == sorted(set(indices))
    assert all(MIN_SEGMENT <= index <= len(values) - MIN_SEGMENT for index in indices)
    assert all(0 < point.p <= 0.01 for point in found)
    rescaled = change_points([round(value * factor, 12) for value in values])
    assert len(rescaled) == len(found)


def test_a_long_history_takes_little_time():
    begin = time.process_time()
    change_points(noise(80, 3) + [1.2 * value for value in noise(80, 4)])
    assert time.process_time() - begin < 10
