from __future__ import annotations

import math

import pytest

from edgekit.gate.guards import Guards, clock_doubt, doubts, neighbours
from edgekit.types import Contention, DeviceState, Guard


def guard(sentinel_ns: int = 1000, **state: object) -> Guard:
    return Guard(state=DeviceState(unix_time=1.0, **state), sentinel_ns=sentinel_ns)  # type: ignore[arg-type]


def found(before: Guard, after: Guard, limits: Guards | None = None) -> list[str]:
    return doubts(before, after, 1000, threads=1, cores=4, guards=limits or Guards())


def test_a_quiet_device_is_trusted() -> None:
    assert found(guard(load_1m=4.9, throttled=()), guard(1099, load_1m=5.0, throttled=())) == []
    assert found(guard(), guard()) == []  # a device that tells nothing


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (guard(), guard(1101), "the sentinel after it took 1.10 times its first run, above 1.1"),
        (guard(2000), guard(), "the sentinel before it took 2.00 times its first run"),
        (guard(load_1m=5.1), guard(), "5.1 runnable tasks before it, above 5 (4 cores)"),
        (guard(throttled=("throttled",)), guard(throttled=()), "the device reports throttled"),
        (guard(throttled=()), guard(throttled=("frequency capped since boot",)), "frequency capped since boot"),
        (guard(clock_khz={"cpu0": 1800000}), guard(clock_khz={"cpu0": 600000}), "fell from 1800 to 600 MHz"),
        (guard(max_clock_khz={"cpu0": 1800000}), guard(max_clock_khz={"cpu0": 600000}), "the clock limit of cpu0"),
    ],
)
def test_a_device_that_is_not_itself_is_doubted(before: Guard, after: Guard, words: str) -> None:
    (reason,) = found(before, after)
    assert words in reason


def test_throttling_of_long_ago_is_no_reason() -> None:
    old = ("throttled since boot",)
    assert found(guard(throttled=old), guard(throttled=old)) == []


def test_the_limits_can_be_moved() -> None:
    wide = Guards(sentinel=3.0, load=100.0)
    assert found(guard(2900, load_1m=99.0), guard(), wide) == []
    assert len(found(guard(3100, load_1m=101.0), guard(), wide)) == 2


def beside(waited_ns: int | None, others_ns: int | None) -> Contention:
    return Contention(measured_ns=1000, cpus=2, waited_ns=waited_ns, others_ns=others_ns)


@pytest.mark.parametrize(
    ("baseline", "candidate", "threads", "words"),
    [
        (beside(50, 1000), beside(49, 1200), 1, ""),
        (beside(51, 0), beside(0, 0), 1, "a neighbour on the core: the baseline waited for a CPU 5% of the time"),
        (beside(0, 0), beside(101, 0), 2, "the candidate waited"),
        (beside(51, 0), beside(99, 0), 2, ""),
        (beside(0, 1000), beside(0, 1500), 1, "others used 50% beside the baseline, 75% beside the candidate"),
        (beside(None, 0), beside(None, 600), 1, "more than 20% of the CPUs apart"),
        (beside(None, None), None, 1, ""),
    ],
)
def test_neighbours(baseline: Contention, candidate: Contention | None, threads: int, words: str) -> None:
    reasons = neighbours({"baseline": baseline, "candidate": candidate}, threads)
    assert len(reasons) == bool(words)
    assert words in "".join(reasons)
    assert neighbours({"baseline": baseline, "candidate": candidate}, threads, Guards(waited=9.0, uneven=9.0)) == []


@pytest.mark.parametrize(
    ("samples", "spent_s", "wall_s", "words"),
    [
        ([1000, 1000], 1.0, 1.2, ""),
        ([1000, math.nan], 1.0, 1.2, "a sample is nan, not a whole number"),
        ([1000, True], 1.0, 1.2, "a sample is True"),
        ([1000, "12"], 1.0, 1.2, "a sample is '12'"),
        ([1000, -5], 1.0, 1.2, "an inference took -5 ns: the clock stands still or runs backwards"),
        ([1000, 0], 1.0, 1.2, "an inference took 0 ns"),
        ([1000, 1000], 60.0, 1.2, "the clock jumped: 60.0 s of work in 1.2 s of wall time"),
        ([1000, 1000], 1.0, 3600.0, "the clock jumped: 1.0 s of work in 3600.0 s"),
        ([1000, 1000], 1.0, -3600.0, "the clock jumped"),
    ],
)
def test_clocks(samples: list[object], spent_s: float, wall_s: float, words: str) -> None:
    said = clock_doubt(samples, spent_s, wall_s)
    assert words in said
    assert bool(said) == bool(words)
