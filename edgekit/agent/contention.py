"""The use of the CPUs by others during a measurement; only Linux reports it."""

from __future__ import annotations

import os
import time
from typing import List, Optional, Tuple

from .cores import affinity
from .protocol import Json
from .reading import read_text

IDLE = (3, 4)
"""Columns of a CPU in /proc/stat that are no work: idle and waiting for a disk."""
STOLEN = 7
"""The column of the time that another virtual machine had this CPU."""


def waited_ns() -> Optional[int]:
    """How long the threads of this process have waited for a CPU so far, while they could have run; None if unknown."""
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return None
    told = [read_text("/proc/self/task/%s/schedstat" % thread) for thread in threads]
    waits = [int(text.split()[1]) for text in told if text is not None and len(text.split()) > 1]
    return sum(waits) if waits else None


def ticks(text: str, cpus: List[int]) -> Optional[Tuple[int, int]]:
    """Busy and stolen ticks of some CPUs in the text of /proc/stat; None where one is missing."""
    busy = stolen = 0
    lines = {
        line.split()[0]: [int(word) for word in line.split()[1:]] for line in text.splitlines() if line[:3] == "cpu"
    }
    for cpu in cpus:
        columns = lines.get("cpu%d" % cpu)
        if columns is None or len(columns) <= STOLEN:
            return None
        # The columns after "stolen" are guests, which "user" and "nice" hold already.
        busy += sum(value for place, value in enumerate(columns[: STOLEN + 1]) if place not in IDLE)
        stolen += columns[STOLEN]
    return busy, stolen


TICKS = 10
"""A watch over fewer ticks of the kernel cannot tell what others used."""


class Watch:
    """Looks before and after; reading costs some tenths of a millisecond, so never between two inferences."""

    def __init__(self) -> None:
        """The look before."""
        self.cpus = affinity() or []
        self.before = self.look()

    def look(self) -> Tuple[int, int, Optional[int], Optional[Tuple[int, int]]]:
        """Now: the clock and our CPU time, nanoseconds, what was waited, and the CPUs' ticks."""
        text = read_text("/proc/stat")
        counted = ticks(text, self.cpus) if text and self.cpus else None
        return time.perf_counter_ns(), time.process_time_ns(), waited_ns(), counted

    def stop(self) -> Optional[Json]:
        """The fields of ``Contention``; None when the system does not report them."""
        after, tick_ns = self.look(), 1000000000 // os.sysconf("SC_CLK_TCK")
        waited = others = None
        if after[2] is not None and self.before[2] is not None:
            waited = max(0, after[2] - self.before[2])
        measured = max(1, after[0] - self.before[0])
        if after[3] is not None and self.before[3] is not None and measured >= TICKS * tick_ns:
            busy, stolen = after[3][0] - self.before[3][0], after[3][1] - self.before[3][1]
            others = max(0, busy * tick_ns - (after[1] - self.before[1]))
            if waited is not None:
                waited += max(0, stolen - 1) * tick_ns  # one tick more or less is how the kernel rounds
        if waited is None and others is None:
            return None
        return {"measured_ns": measured, "cpus": len(self.cpus), "waited_ns": waited, "others_ns": others}
