"""Energy that the CPU counts (RAPL)."""

from __future__ import annotations

import glob
import os
import re
import time
from typing import Dict, Optional, Tuple

from .reading import read_int, read_text


def energy_counters() -> Dict[str, str]:
    """Folders of the energy counters that can be read, by domain ("package-0", "psys"): RAPL's top level.

    Parts of a package (core, uncore, dram) are counted in it or beside it, differently by model, so they are left out.
    """
    found: Dict[str, str] = {}
    for folder in sorted(glob.glob("/sys/class/powercap/intel-rapl:*")):
        name = read_text(os.path.join(folder, "name"))
        whole = re.fullmatch(r"intel-rapl:\d+", os.path.basename(folder))
        if whole and name is not None and energy_uj(folder) is not None:
            found.setdefault(name, folder)
    return found


def energy_uj(folder: str) -> Optional[int]:
    """A counter now, microjoules; None when it cannot be read (it is root's, since CVE-2020-8694)."""
    return read_int(os.path.join(folder, "energy_uj"))


def energy_spent(before: int, after: int, span: Optional[int]) -> Optional[int]:
    """Microjoules between two looks at a counter that starts again after ``span``; None when it cannot be known."""
    if after >= before:
        return after - before
    return after + span - before if span is not None and span >= before else None


def energy_note() -> str:
    """Why there is no energy to tell though the machine counts it; empty when it does not."""
    if energy_counters():
        return "the energy counters (RAPL) stand still"
    there = glob.glob("/sys/class/powercap/intel-rapl:*")
    return "the energy counters (RAPL) are readable by root only" if there else ""


class EnergyMeter:
    """Counts what the domains of :func:`energy_counters` spend between two calls."""

    def __init__(self) -> None:
        self.folders = energy_counters()
        self.start()

    def start(self) -> None:
        """Begin a window."""
        self.before = {name: energy_uj(folder) for name, folder in self.folders.items()}
        self.begin = time.perf_counter_ns()

    def stop(self) -> Tuple[Dict[str, int], float]:
        """Microjoules by domain since :meth:`start`, without those that cannot be known; the seconds that it took."""
        spent: Dict[str, int] = {}
        seconds = (time.perf_counter_ns() - self.begin) / 1e9
        for name, folder in self.folders.items():
            before, after = self.before[name], energy_uj(folder)
            if before is not None and after is not None:
                found = energy_spent(before, after, read_int(os.path.join(folder, "max_energy_range_uj")))
                if found:  # a counter that does not move measures nothing
                    spent[name] = found
        return spent, seconds


IDLE_S = 1.0
"""How long to leave the machine idle to see its power at rest."""


def power_at_rest(meter: EnergyMeter) -> Dict[str, float]:
    """Watts by domain while this process sleeps; what else runs here is in it."""
    meter.start()
    time.sleep(IDLE_S)
    spent, seconds = meter.stop()
    return {name: spent[name] / 1e6 / seconds for name in spent}
