"""The rules by which a battery's gauge tells power."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from edgekit.agent.battery.discharge import WATTS, discharge, in_watts
from edgekit.agent.battery.gauges import QUANTITIES

SECOND = 10**9


def looks(name: str, values: Sequence[int | None], **more: Any) -> list[dict[str, Any]]:
    """One look a second at a battery of 4 V that shows ``values`` as ``name``."""
    empty = {"plugged": "", "status": "Discharging", "voltage": 4_000_000, **dict.fromkeys(QUANTITIES)}
    return [{**empty, **more, name: value, "t_ns": number * SECOND} for number, value in enumerate(values)]


def watts(taken: list[dict[str, Any]]) -> float | None:
    found, _ = discharge(taken)
    return None if found is None else found[0]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("unit", "voltage"), [(1000, 4_000_000), (1000, 4_000), (1, 4_000_000), (1, 4_000)])
def test_microamperes_and_milliamperes_of_either_sign_mean_the_same(sign: int, unit: int, voltage: int) -> None:
    currents = [sign * unit * ma for ma in (400, 500, 510, 490, 500, 500, 520, 480)]
    assert watts(looks("current", currents, voltage=voltage)) == pytest.approx(2.0, rel=0.02)


def test_the_reading_of_before_the_window_does_not_count() -> None:
    # It stood still for two seconds, which tell of what was before; the rest is weighed by how long it was shown.
    currents = [9_000_000, 9_000_000, 100_000, 100_000, 100_000, 300_000, 310_000, 300_000, 310_000]
    shown = currents[2:-1]
    assert watts(looks("current", currents)) == pytest.approx(4 * sum(shown) / len(shown) / 1e6)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("power", [5_000_000, 6_000_000, 5_000_000, 6_000_000, 5_000_000, 6_000_000], 5.4),
        # uWh: 3.6 W; the first fall and the last are a second each.
        ("energy", [50_000_000 - 1000 * n for n in range(8)], 3.6),
        # uAh at 4 V, and the same from a driver that counts mAh.
        ("charge", [3_000_000 - 250 * n for n in range(8)], 3.6),
        ("charge", [3_000 - n for n in range(8)], None),
    ],
)
def test_power_and_counters(name: str, values: list[int], expected: float | None) -> None:
    found = watts(looks(name, values))
    if expected is None:
        assert found == pytest.approx(4 * 3.6)
    else:
        assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        (looks("current", [500_000, 510_000] * 5, status="Charging"), "its status is 'Charging' and not 'Discharging'"),
        (looks("current", [500_000, 510_000] * 5, plugged="usb"), r"powered from outside \(usb\): unplug it"),
        (looks("current", [500_000] * 3 + [510_000] * 7), r"showed 1 new readings of the current in 9\.0 s, and 5 are"),
        (looks("charge", [3_000_000] * 9), "showed 0 new readings of the charge"),
        (looks("current", [500_000, -510_000] * 5), "changes the sign"),
        (looks("charge", [3_000_000 - 250 * n for n in (0, 1, 2, 3, 2, 4, 5)]), "its counter of charge rises"),
        (looks("current", [10, 11] * 5), "would be 4.2e-05 W in millionths and 0.042 W in thousandths"),
        (looks("current", [500_000, 510_000] * 5, voltage=700), "no voltage between 2 and 60 V"),
        (looks("current", [500_000, 510_000] * 5, voltage=None), "no voltage"),
        (looks("current", [None] * 9), "it reports neither power, current, energy nor charge"),
    ],
)
def test_what_tells_nothing_says_why(taken: list[dict[str, Any]], why: str) -> None:
    found, reason = discharge(taken)
    assert found is None
    assert re.search(why, reason), reason


def test_no_two_units_are_ever_plausible() -> None:
    for power in range(-9, 9):
        for digit in (1.0, 2.5, 9.99):
            number = digit * 10.0**power
            fits = [unit for unit in (1e-6, 1e-3) if WATTS[0] <= number * unit < WATTS[1]]
            assert len(fits) <= 1
            assert in_watts(number) == (number * fits[0] if fits else None)
