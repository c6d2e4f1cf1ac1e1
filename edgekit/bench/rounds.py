"""Several launches of one artifact, taken in turn with others, as one measurement.

Each launch has its own latency (memory layout, core), and a device drifts over minutes. Both vary between rounds and
not within one, so the medians of the rounds tell more than the interval of all samples.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ..types import Energy, Measurement, Verdict, VerdictName

SPREAD = 0.02
"""Largest over smallest median of the rounds, less 1, above which a measurement is noisy."""
WORST_FIRST: tuple[VerdictName, ...] = ("emulated", "throttled", "noisy", "stable")


def merge(taken: Sequence[Measurement]) -> Measurement:
    """One measurement of all rounds: their samples in order, what was measured once from the first.

    The state is that before the first round and after the last.

    Args:
        taken: one measurement a round, of one artifact under the same conditions; at least one.
    """
    first, last = taken[0], taken[-1]
    if len(taken) == 1:
        return first
    return first.model_copy(
        update={
            "warmup_ns": tuple(ns for one in taken for ns in one.warmup_ns),
            "samples_ns": tuple(ns for one in taken for ns in one.samples_ns),
            "rounds": tuple(len(one.samples_ns) for one in taken),
            "energy": summed(taken),
            "state_after": last.state_after,
            "verdict": judge_rounds(taken),
        }
    )


def judge_rounds(taken: Sequence[Measurement]) -> Verdict:
    """The worst verdict of the rounds, each reason with its round; and the spread between the rounds."""
    name = min((one.verdict.name for one in taken), key=WORST_FIRST.index)
    if name == "emulated":
        return next(one.verdict for one in taken if one.verdict.name == name)
    reasons = [f"round {number}: {why}" for number, one in enumerate(taken, 1) for why in one.verdict.reasons]
    medians = [statistics.median(one.samples_ns) for one in taken]
    spread = max(medians) / min(medians) - 1
    if spread > SPREAD:
        told = ", ".join(f"{median / 1e6:.4g}" for median in medians)
        reasons.append(
            f"the medians of the rounds ({told} ms) differ by {spread:.1%}, above {SPREAD:.0%}: "
            "fix the clock (governor performance), or take more rounds on an idle machine"
        )
        name = "noisy" if name == "stable" else name
    return Verdict(name=name, reasons=tuple(reasons))


def summed(taken: Sequence[Measurement]) -> tuple[Energy, ...] | None:
    """The energy of all windows, of the domains that every round has; at rest it is the mean."""
    found = [{domain.domain: domain for domain in one.energy or ()} for one in taken]
    domains = []
    for name in found[0]:
        windows = [one[name] for one in found if name in one]
        rest = [window.idle_w for window in windows if window.idle_w is not None]
        if len(windows) == len(taken):
            spent, seconds = sum(w.spent_uj for w in windows), sum(w.window_s for w in windows)
            idle = statistics.fmean(rest) if rest else None
            more = {key: total([getattr(w, key) for w in windows]) for key in ("inferences", "updates")}
            domains.append(Energy(domain=name, spent_uj=spent, window_s=seconds, idle_w=idle, **more))
    return tuple(domains) or None


def total(counts: Sequence[int | None]) -> int | None:
    """Their sum; None when one is not told."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
