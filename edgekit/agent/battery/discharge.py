"""The power that a battery gave away, from looks at its gauge; or why they tell nothing."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from ..protocol import Json
from .gauges import QUANTITIES

GAUGE_UPDATES = 5
"""New readings that a window needs: the first one covers a time before the window, which must stay a small part."""
WATTS = 0.1, 100.0
"""The power that a computing device can take from its battery. The range is a factor of 1000, so that only one of two
units fits.
"""


def not_discharging(look: Json) -> str:
    """Why a battery cannot tell what the device spends, or an empty text: what comes from outside is not in it."""
    if look["plugged"]:
        return "the device is powered from outside (%s): unplug it, and reach it by network" % look["plugged"]
    if look["status"] != "Discharging":
        return "its status is %r and not 'Discharging': what comes from outside is not seen" % (look["status"],)
    return ""


def updates_of(looks: Sequence[Json]) -> int:
    """How often the gauge changed after the first look."""
    shown = [tuple(look[name] for name in QUANTITIES) for look in looks]
    return sum(one != other for one, other in zip(shown, shown[1:]))  # noqa: B905, RUF007  (Python 3.9)


def volts(looks: Sequence[Json]) -> Optional[float]:
    """The mean voltage: microvolts as the kernel has it, or millivolts, as some drivers and dumpsys have it.

    A battery has 2 to 60 V, less than a factor of 1000, so only one of the two fits; None when none does.
    """
    told = [look["voltage"] for look in looks if look["voltage"] is not None]
    mean = sum(told) / len(told) if told else 0.0
    for unit in (1e-6, 1e-3):
        if 2.0 <= mean * unit < 60.0:
            return mean * unit
    return None


def in_watts(number: float) -> Optional[float]:
    """Watts of a number that is millionths or, from some drivers, thousandths: the unit that makes it plausible."""
    for unit in (1e-6, 1e-3):
        if WATTS[0] <= number * unit < WATTS[1]:
            return number * unit
    return None


def discharge(looks: Sequence[Json]) -> Tuple[Optional[Tuple[float, int]], str]:
    """Mean watts over the looks at a battery and the updates behind them; or None and why they tell nothing.

    Power or current is a mean of its readings over time, from the first new one on; what signs mean differs by vendor,
    so the status says that it discharges and the sign may only not change. A counter, of energy or charge, is asked
    when there is neither: from its first new reading to its last.
    """
    for look in looks:
        if not_discharging(look):
            return None, not_discharging(look)
    name = next((n for n in QUANTITIES if all(x[n] is not None for x in looks)), None)
    if name is None:
        return None, "it reports neither power, current, energy nor charge (or not to this user)"
    new = [index for index in range(1, len(looks)) if looks[index][name] != looks[index - 1][name]]
    seconds = (looks[-1]["t_ns"] - looks[0]["t_ns"]) / 1e9
    if len(new) < GAUGE_UPDATES:
        return None, "its gauge showed %d new readings of the %s in %.1f s, and %d are needed for a figure" % (
            len(new), name, seconds, GAUGE_UPDATES)  # fmt: skip
    voltage = 1.0 if name in ("power", "energy") else volts(looks)
    if voltage is None:
        return None, "it reports no voltage between 2 and 60 V, neither as uV nor as mV (%r)" % (looks[0]["voltage"],)
    steady = looks[new[0] :]
    values = [look[name] for look in steady]
    if name in ("power", "current"):
        if min(values) < 0 < max(values):
            return None, "its %s changes the sign (%d to %d), so that it was charged meanwhile" % (
                name, min(values), max(values))  # fmt: skip
        spans = [after["t_ns"] - before["t_ns"] for before, after in zip(steady, steady[1:])]  # noqa: B905, RUF007
        if sum(spans) <= 0:
            return None, "its gauge showed all new readings at the end"
        number = sum(abs(value) * span for value, span in zip(values, spans)) / sum(spans) * voltage  # noqa: B905
    else:
        if values != sorted(values, reverse=True):
            return None, "its counter of %s rises, so that it was charged meanwhile" % name
        last = looks[new[-1]]
        number = (values[0] - last[name]) * 3600.0 / ((last["t_ns"] - steady[0]["t_ns"]) / 1e9) * voltage
    watts = in_watts(number)
    if watts is None:
        return None, "its %s would be %.3g W in millionths and %.3g W in thousandths; neither is from %g to %g W" % (
            name, number / 1e6, number / 1e3, WATTS[0], WATTS[1])  # fmt: skip
    return (watts, len(new)), ""
