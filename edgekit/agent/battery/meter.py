"""Watch the gauges of batteries at rest and while the machine works."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Tuple

from ..protocol import Json
from .discharge import GAUGE_UPDATES, discharge, not_discharging, updates_of
from .gauges import look_at_gauges, looks_of, supplies, tells

GAUGE_WINDOW_S, GAUGE_REST_S = 30.0, 12.0
"""Longest time to wait for a gauge, under load and at rest; twice the needed updates end the wait."""
GAUGE_LOOK_S = 0.05


def watch_gauges(work: Callable[[], Any], max_s: float, look_s: float) -> Tuple[Dict[str, List[Json]], int, float]:
    """Work again and again with looks at the gauges between, until all were updated often, or ``max_s``.

    The looks by battery, how often the work was done, and the seconds that it took.
    """
    begin, count = time.perf_counter_ns(), 0
    looks = {name: [look] for name, look in look_at_gauges().items()}
    while True:
        until = time.perf_counter_ns() + int(look_s * 1e9)
        while time.perf_counter_ns() < until:
            work()
            count += 1
        for name, look in look_at_gauges().items():
            looks.setdefault(name, []).append(look)
        seconds = (time.perf_counter_ns() - begin) / 1e9
        if seconds >= max_s or all(updates_of(taken) >= 2 * GAUGE_UPDATES for taken in looks.values()):
            return looks, count, seconds


class BatteryMeter:
    """What the batteries give away, in windows of their own: a gauge is too slow for the window of the samples.

    Attributes:
        notes: why a battery gives no figure, by its name.
    """

    def __init__(self, window_s: float, rest_s: float) -> None:
        first = look_at_gauges()
        self.window_s, self.rest_s = window_s, rest_s
        # dumpsys is a process of its own each time; it is asked less often.
        self.look_s = GAUGE_LOOK_S if tells(looks_of(supplies(), 0)) else 1.0
        self.notes = {name: why for name, why in ((n, not_discharging(look)) for n, look in first.items()) if why}
        self.names = [name for name in first if name not in self.notes]

    def rest(self) -> Dict[str, float]:
        """Watts by battery while this process sleeps; without those that show too little."""
        if not self.names:
            return {}
        looks, _, _ = watch_gauges(lambda: time.sleep(self.look_s), self.rest_s, self.look_s)
        told = {name: discharge(looks[name])[0] for name in self.names if name in looks}
        return {name: found[0] for name, found in told.items() if found is not None}

    def spent(self, run: Callable[[], Any], idle_w: Dict[str, float]) -> List[Json]:
        """The energy of inferences in a row, a domain for each battery."""
        if not self.names:
            return []
        looks, count, seconds = watch_gauges(run, self.window_s, self.look_s)
        domains = []
        for name in self.names:
            found, why = discharge(looks.get(name, [])) if len(looks.get(name, [])) > 1 else (None, "it disappeared")
            if found is None:
                self.notes[name] = why
                continue
            domains.append({"domain": name, "spent_uj": round(found[0] * seconds * 1e6), "window_s": seconds,
                            "idle_w": idle_w.get(name), "inferences": count, "updates": found[1]})  # fmt: skip
        return domains

    def note(self) -> str:
        """Why there are batteries and no figures of them; empty when there is nothing to say."""
        return "; ".join("battery %s: %s" % item for item in sorted(self.notes.items()))
