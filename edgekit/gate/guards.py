"""Whether the device was undisturbed while a pair was measured. No guard looks at the pair's times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..bench.verdict import clock_jump, throttling
from ..types import Contention, DeviceState, Guard


@dataclass(frozen=True)
class Guards:
    """When a pair is dropped.

    Attributes:
        sentinel: a sentinel slower than this many times its first run means a device that holds back or is busy.
        load: runnable tasks above which the device is busy; None for its cores and our threads: what is not ours would
            fill every core.
        waited: share of a launch's time that its threads may have waited for a CPU; more is a neighbour on the core.
        uneven: how far the shares of the CPUs that others used may be apart between the two launches of a pair.
    """

    sentinel: float = 1.10
    load: float | None = None
    waited: float = 0.05
    uneven: float = 0.20


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


def neighbours(launches: Mapping[str, Contention | None], threads: int, guards: Guards = Guards()) -> list[str]:
    """Who else was on the cores while the launches of a pair were measured; empty where the device does not tell.

    Args:
        launches: by the name of the side.
        threads: of the measured process.
        guards: the limits.
    """
    reasons = []
    for side, told in launches.items():
        waited = None if told is None else told.waited(threads)
        if waited is not None and waited > guards.waited:
            reasons.append(
                f"a neighbour on the core: the {side} waited for a CPU {waited:.0%} of the time, above "
                f"{guards.waited:.0%}"
            )
    used = {side: told.others for side, told in launches.items() if told is not None and told.others is not None}
    if len(used) > 1 and max(used.values()) - min(used.values()) > guards.uneven:
        shares = ", ".join(f"{share:.0%} beside the {side}" for side, share in used.items())
        reasons.append(
            f"the load changed within the pair: others used {shares}, more than {guards.uneven:.0%} of the CPUs apart"
        )
    return reasons


def uneven_limits(states: Mapping[str, tuple[DeviceState, DeviceState]]) -> list[str]:
    """That a launch of a pair was held back by the device, and the looks before and after the pair did not see it.

    Args:
        states: before and after each launch, by the name of the side.
    """
    told = {side: throttling(before, after) for side, (before, after) in states.items()}
    return [f"beside the {side}: {reason}" for side, reasons in told.items() for reason in reasons]


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
