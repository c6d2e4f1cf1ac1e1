from __future__ import annotations

import random

import pytest

from edgekit.bench.verdict import judge
from edgekit.types import DeviceInfo, DeviceState, Verdict

INFO = DeviceInfo(machine="aarch64", cpu="Cortex-A72", cores=4, system="Linux", python="3.11")
CALM = DeviceState(unix_time=0.0, load_1m=0.1)


def quiet(count: int = 200) -> list[int]:
    rng = random.Random(0)
    return [round(rng.gauss(1e7, 1e4)) for _ in range(count)]


def verdict(
    samples: list[int] | None = None,
    threads: int = 1,
    info: DeviceInfo = INFO,
    before: DeviceState = CALM,
    after: DeviceState = CALM,
) -> Verdict:
    return judge(samples or quiet(), threads, info, before, after)


def state(**readings: object) -> DeviceState:
    return CALM.model_copy(update=readings)


def test_a_quiet_run_is_stable() -> None:
    assert verdict() == Verdict(name="stable")


def spread() -> list[int]:
    rng = random.Random(1)
    return [round(rng.gauss(1e7, 1e6)) for _ in range(100)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"samples": quiet(20)}, "only 20 samples before the time limit, fewer than 50"),
        ({"samples": spread()}, "the median's interval is ±"),
        ({"samples": [round(s * 1.03) if i >= 100 else s for i, s in enumerate(quiet())]}, "median is +3.0% off"),
        ({"samples": [s * 2 if i % 5 == 0 else s for i, s in enumerate(quiet())]}, "p90 is 2.00 times the median"),
        ({"before": state(load_1m=5.5)}, "5.5 runnable tasks on 4 cores before the start"),
        ({"threads": 8}, "8 threads on 4 cores"),
    ],
)
def test_doubts_make_it_noisy(arguments: dict[str, object], reason: str) -> None:
    found = verdict(**arguments)  # type: ignore[arg-type]
    assert found.name == "noisy"
    assert any(reason in r for r in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (state(throttled=()), state(throttled=("throttled", "throttled since boot")), "the device reports throttled"),
        (state(throttled=("under-voltage",)), state(throttled=()), "the device reports under-voltage"),
        (state(throttled=()), state(throttled=("throttled since boot",)), "reports throttled since boot"),
        (
            state(clock_khz={"cpu0": 600000, "cpu1": 1800000}),
            state(clock_khz={"cpu0": 1000000, "cpu1": 600000}),
            "the clock of cpu1 fell from 1800 to 1000 MHz",
        ),
        (
            state(max_clock_khz={"cpu0": 1800000}),
            state(max_clock_khz={"cpu0": 1200000}),
            "the clock limit of cpu0 fell from 1800 to 1200 MHz",
        ),
    ],
)
def test_signs_of_throttling(before: DeviceState, after: DeviceState, reason: str) -> None:
    found = verdict(before=before, after=after)
    assert found.name == "throttled"
    assert any(reason in r for r in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (state(throttled=("throttled since boot",)), state(throttled=("throttled since boot",))),
        (state(throttled=None), state(throttled=None)),
        (state(clock_khz={"cpu0": 600000}), state(clock_khz={"cpu0": 1800000})),
        (state(clock_khz={"cpu0": 1800000}), state(clock_khz=None)),
    ],
)
def test_history_idle_clocks_and_missing_readings_are_no_throttling(before: DeviceState, after: DeviceState) -> None:
    assert verdict(before=before, after=after).name == "stable"


def test_emulation_outranks_everything_and_gives_no_advice() -> None:
    emulated = INFO.model_copy(update={"emulated": True})
    found = verdict(info=emulated, before=state(load_1m=99.0), after=state(throttled=("throttled",)))
    assert found.name == "emulated"
    assert found.reasons == ("an emulated machine: its latency means nothing",)


@pytest.mark.parametrize("wall_s", [-3600.0, 0.4, 13.1, 86400.0])
def test_a_clock_that_jumps_is_told(wall_s: float) -> None:
    found = judge(quiet(), 1, INFO, CALM, state(unix_time=wall_s), spent_s=3.0)
    assert found.name == "noisy"
    assert found.reasons[0].startswith(f"the clock jumped: 3.0 s of work in {wall_s:.1f} s of wall time")


def test_the_time_beside_the_work_is_no_jump() -> None:
    assert judge(quiet(), 1, INFO, CALM, state(unix_time=5.0), spent_s=3.0) == Verdict(name="stable")
