"""The rule of the gate without a board: fail when the candidate executes more than the baseline.

Counts hardly vary, so there are no pairs and no test: growth is judged against the tolerance, and growth that lies
nearer to it than the noise is not judged. The instructions decide either way. The estimated cycles decide only against
a candidate, when they grow by more than their coarser noise: fewer instructions may still miss the caches more.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..base.stats import percent
from ..counting.model import cores, estimate
from ..types import Counted, GateStatus

TOLERANCE = 0.005
"""Default of the growth that passes: 0.5 %."""
NOISE_FLOOR, CYCLES_FLOOR = 1e-5, 2e-3
"""The least that is taken for noise, of instructions and of estimated cycles; two processes may agree by chance."""
SAME = {
    "core": "the core",
    "runtime": "the runtime",
    "runtime_version": "the runtime's version",
    "threads": "the threads",
    "batch": "the batch",
    "plugin": "edgekit's plugin that counts",
}
"""What must be the same for counts to be compared."""


@dataclass(frozen=True)
class Judged:
    """What the rule says."""

    status: GateStatus
    reason: str
    noise: float | None = None


def judge(baseline: Counted, candidate: Counted, tolerance: float) -> Judged:
    """The verdict on a candidate."""
    other = differences(baseline, candidate)
    if other:
        return Judged("NOT_COMPARABLE", f"not counted alike: {'; '.join(other)}")
    noise = max(NOISE_FLOOR, *(one.noise or 0.0 for one in (baseline, candidate)))
    growth = candidate.counts.instructions / baseline.counts.instructions - 1
    cycles = candidate.estimate.cycles / baseline.estimate.cycles - 1
    said = f"{shown(growth)} instructions, {shown(cycles)} estimated cycles; {tolerance:.3%} passes"
    if growth - noise > tolerance:
        return Judged("FAIL", f"the candidate executes more: {said}", noise)
    if cycles - cycles_noise(baseline, candidate) > tolerance:
        return Judged("FAIL", f"the candidate takes more cycles by the model of the core: {said}", noise)
    if growth + noise > tolerance:
        return Judged(
            "INCONCLUSIVE", f"the growth is as near to the tolerance as the noise ({noise:.1e}): {said}", noise
        )
    return Judged("PASS", said, noise)


def instructions_kept(candidate: Counted, most_m: float | None) -> str:
    """Why the candidate executes more than it may, millions of instructions; empty when it does not."""
    executed = candidate.counts.instructions
    if most_m is None or executed <= most_m * 1e6:
        return ""
    return f"it executes {executed / 1e6:.3f} M instructions, and max_instructions_m is {most_m:g}"


def shown(growth: float) -> str:
    """A growth with as many digits as it takes."""
    return percent(1 + growth) if abs(growth) >= 0.01 else f"{growth:+.4%}"


def differences(baseline: Counted, candidate: Counted) -> list[str]:
    """What was not the same, in words."""
    return [
        f"{words} was {getattr(baseline, name)}, now {getattr(candidate, name)}"
        for name, words in SAME.items()
        if getattr(baseline, name) != getattr(candidate, name)
    ]


def cycles_noise(*sides: Counted) -> float:
    """How far the estimated cycles of two processes of one side are apart, relative; at least the floor."""
    found = [CYCLES_FLOOR]
    for one in sides:
        if one.repeat is not None:
            again = estimate(one.repeat, cores()[one.core], one.estimate.clock_mhz).cycles
            found.append(abs(again / one.estimate.cycles - 1))
    return max(found)
