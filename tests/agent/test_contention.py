from __future__ import annotations

import sys
import time

import pytest

from edgekit.agent.contention import Watch, ticks
from edgekit.types import Contention

STAT = """cpu  60 0 30 1000 5 1 2 7 3 0
cpu0 10 1 20 500 3 1 1 4 3 0
cpu1 50 0 10 500 2 0 1 3 0 0
intr 5
"""


def test_busy_ticks_are_of_the_cpus_asked_for_and_hold_guests_once() -> None:
    assert ticks(STAT, [0]) == (10 + 1 + 20 + 1 + 1 + 4, 4)
    assert ticks(STAT, [0, 1]) == (37 + 50 + 10 + 1 + 3, 7)
    assert ticks(STAT, [2]) is None
    assert ticks("cpu0 1 2 3", [0]) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_own_work_is_not_that_of_others() -> None:
    watch = Watch()
    until = time.perf_counter() + 0.3
    while time.perf_counter() < until:
        pass
    told = watch.stop()
    assert told is not None
    found = Contention(**told)
    assert found.measured_ns >= 3e8
    assert found.waited_ns is not None
    # Whoever else runs here may use what is left of the CPUs, but our own 0.3 s less what we waited are not theirs.
    ours_ns = 3e8 - found.waited_ns
    assert found.others_ns is not None
    assert found.others_ns <= found.cpus * (found.measured_ns + 2e7) - ours_ns + 4e7
