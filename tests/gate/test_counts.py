from __future__ import annotations

from collections.abc import Callable

import pytest

from edgekit.gate.counts import judge
from edgekit.types import Counted

Make = Callable[..., Counted]


def cycles(number: float) -> dict[str, object]:
    return {"cycles": number, "clock_mhz": 1800, "bound": "issue", "miss_share": 0.1, "error": "unknown"}


def test_the_same_passes_and_growth_beyond_the_tolerance_fails(make_counted: Make) -> None:
    before = make_counted()
    assert judge(before, before, 0.005).status == "PASS"
    assert judge(before, make_counted(instructions=1_004_900), 0.005).status == "PASS"
    found = judge(before, make_counted(instructions=1_005_100), 0.005)
    assert (found.status, found.noise) == ("FAIL", 1e-5)
    assert "+0.5100% instructions" in found.reason
    assert judge(before, make_counted(instructions=900_000), 0.005).status == "PASS"


def test_what_is_as_near_to_the_tolerance_as_the_noise_is_not_judged(make_counted: Make) -> None:
    before = make_counted()
    assert judge(before, make_counted(instructions=1_005_000), 0.005).status == "INCONCLUSIVE"
    noisy = {**make_counted().counts.to_plain(), "instructions": 1_010_000}
    found = judge(before, make_counted(instructions=1_006_000, repeat=noisy), 0.005)
    assert found.status == "INCONCLUSIVE"
    assert found.noise == pytest.approx(0.004 / 1.006)


def test_more_estimated_cycles_fail_though_the_instructions_are_fewer(make_counted: Make) -> None:
    worse = make_counted(instructions=990_000, estimate=cycles(440_000.0), repeat=None)
    found = judge(make_counted(repeat=None), worse, 0.005)
    assert found.status == "FAIL"
    assert "by the model of the core" in found.reason
    near = make_counted(instructions=990_000, estimate=cycles(402_500.0), repeat=None)
    assert judge(make_counted(repeat=None), near, 0.005).status == "PASS"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"runtime_version": "2.4.0"}, "the runtime's version was 2.3.0, now 2.4.0"),
        ({"core": "cortex-a76"}, "the core was cortex-a72"),
        ({"threads": 2}, "the threads was 1"),
        ({"plugin": "def"}, "edgekit's plugin"),
    ],
)
def test_other_conditions_are_not_compared(make_counted: Make, change: dict[str, object], words: str) -> None:
    found = judge(make_counted(), make_counted(**change), 0.005)
    assert found.status == "NOT_COMPARABLE"
    assert words in found.reason
