"""Whether to trust a measurement: each doubt comes with the fact, the threshold and advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..base.stats import drift, relative_half_width, tail_ratio
from ..types import DeviceInfo, DeviceState, Verdict

HALF_WIDTH = 0.01
DRIFT = 0.02
TAIL_RATIO = 1.25
MIN_SAMPLES = 50
CLOCK_DROP = 0.10


def judge(
    samples_ns: Sequence[int],
    threads: int,
    info: DeviceInfo,
    before: DeviceState,
    after: DeviceState,
    spent_s: float | None = None,
) -> Verdict:
    """The first that holds of ``emulated``, ``throttled``, ``noisy`` and ``stable``, with its reasons.

    ``spent_s`` is what the agent timed between the two looks by its monotonic clock; None leaves the clock unjudged.
    """
    if info.emulated:
        # No other doubts are added: following their advice would not improve the figure.
        return Verdict(name="emulated", reasons=("an emulated machine: its latency means nothing",))
    slowed, doubts = throttling(before, after), noise(samples_ns, threads, info, before)
    if spent_s is not None:
        doubts += clock_jump(spent_s, after.unix_time - before.unix_time)
    if slowed:
        return Verdict(name="throttled", reasons=(*slowed, *doubts))
    return Verdict(name="noisy" if doubts else "stable", reasons=tuple(doubts))


def throttling(before: DeviceState, after: DeviceState) -> list[str]:
    """Signs that the device held itself back: its own flags, or a clock or clock limit that fell."""
    reasons = []
    flags = {f for s in (before, after) for f in s.throttled or () if not f.endswith("since boot")}
    if before.throttled is not None:
        flags |= {f for f in after.throttled or () if f not in before.throttled}
    if flags:
        reasons.append(f"the device reports {', '.join(sorted(flags))}: cool it, or give it a stronger supply")
    for what, first, last in (
        ("clock", before.clock_khz, after.clock_khz),
        ("clock limit", before.max_clock_khz, after.max_clock_khz),
    ):
        fall = clock_fall(first, last)
        if fall is not None:
            name, high, low = fall
            reasons.append(
                f"the {what} of {name} fell from {high / 1000:.0f} to {low / 1000:.0f} MHz, over {CLOCK_DROP:.0%}: "
                "let the device cool, then measure again"
            )
    return reasons


WALL_BEHIND_S, WALL_AHEAD_S = 1.0, 10.0
"""How far the wall clock may lag behind the timed work, and how much time may pass besides it (reading the state)."""


def clock_jump(spent_s: float, wall_s: float) -> list[str]:
    """A wall clock that was set, or a device that slept, while it was measured."""
    if -WALL_BEHIND_S <= wall_s - spent_s <= WALL_AHEAD_S:
        return []
    facts = f"the clock jumped: {spent_s:.1f} s of work in {wall_s:.1f} s of wall time"
    return [f"{facts}: was it set, or did the device sleep? measure again"]


def clock_fall(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> tuple[str, int, int] | None:
    """The CPU with the highest clock before, when the highest clock after is over 10 % lower: name, before, after.

    The highest of all CPUs, because the work moves between them and idle ones clock down.
    """
    if not before or not after:
        return None
    name = max(before, key=lambda cpu: before[cpu])
    highest = max(after.values())
    return (name, before[name], highest) if highest < before[name] * (1 - CLOCK_DROP) else None


def noise(samples_ns: Sequence[int], threads: int, info: DeviceInfo, before: DeviceState) -> list[str]:
    """Reasons why the median may be off by more than its interval."""
    reasons = []
    count = len(samples_ns)
    if count < MIN_SAMPLES:
        reasons.append(f"only {count} samples before the time limit, fewer than {MIN_SAMPLES}: allow more time")
    width = relative_half_width(samples_ns)
    if width is not None and width >= HALF_WIDTH:
        reasons.append(
            f"the median's interval is ±{width:.1%} after {count} samples, above {HALF_WIDTH:.0%}: "
            "close other programs and measure again"
        )
    trend = drift(samples_ns)
    if trend is not None and abs(trend) > DRIFT:
        reasons.append(
            f"the second half's median is {trend:+.1%} off the first's, above {DRIFT:.0%}: "
            "fix the clock (governor performance), cool the device, measure again"
        )
    tail = tail_ratio(samples_ns)
    if tail is not None and tail > TAIL_RATIO:
        reasons.append(f"p90 is {tail:.2f} times the median, above {TAIL_RATIO}: something else runs on the machine")
    if before.load_1m is not None and before.load_1m > info.cores:
        reasons.append(
            f"{before.load_1m:.1f} runnable tasks on {info.cores} cores before the start: wait for an idle machine"
        )
    if threads > info.cores:
        reasons.append(f"{threads} threads on {info.cores} cores: measure with at most {info.cores}")
    return reasons
