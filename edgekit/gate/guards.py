"""Whether the device was itself while a pair was measured. None of it looks at the pair's times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..bench.verdict import clock_jump, throttling
from ..types import Guard


@dataclass(frozen=True)
class Guards:
    """When a pair is dropped.

    Attributes:
        sentinel: a sentinel slower than this many times its first run means a device that holds back or is busy.
        load: runnable tasks above which the device is busy; None for its cores and our threads: what is not ours would
            fill every core.
    """

    sentinel: float = 1.10
    load: float | None = None


def doubts(
    before: Guard, after: Guard, reference_ns: int, threads: int, cores: int, guards: Guards = Guards()
) -> list[str]:
    """Why what was measured between two looks at the device does not count.

    Args:
        before: the look before.
        after: the look after.
        reference_ns: the sentinel of the run's beginning.
        threads: of the measured process.
        cores: that it may use.
        guards: the limits.
    """
    reasons = throttling(before.state, after.state)
    for when, guard in (("before", before), ("after", after)):
        slowdown = guard.sentinel_ns / reference_ns
        if slowdown > guards.sentinel:
            reasons.append(f"the sentinel {when} it took {slowdown:.2f} times its first run, above {guards.sentinel:g}")
        load, most = guard.state.load_1m, cores + threads if guards.load is None else guards.load
        if load is not None and load > most:
            reasons.append(f"{load:.1f} runnable tasks {when} it, above {most:g} ({cores} cores)")
    return reasons


def clock_doubt(samples: Sequence[object], spent_s: float, wall_s: float) -> str:
    """Why the clock that timed a launch is not to be trusted; empty when it is.

    Args:
        samples: nanoseconds as the agent sent them.
        spent_s: sum of everything timed, by the monotonic clock.
        wall_s: between the looks before and after, by the wall clock.
    """
    wrong = next((value for value in samples if isinstance(value, bool) or not isinstance(value, int)), None)
    if wrong is not None:
        return f"a sample is {wrong!r}, not a whole number of nanoseconds"
    backwards = next((value for value in samples if isinstance(value, int) and value <= 0), None)
    if backwards is not None:
        return f"an inference took {backwards} ns: the clock stands still or runs backwards"
    return "".join(clock_jump(spent_s, wall_s))
