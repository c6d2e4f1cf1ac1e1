"""The gate's limits on what is measured beside the latency: the candidate's peak memory and its cold start."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from ..base.progress import Step
from ..base.stats import median_interval
from ..errors import EdgekitError
from ..types import GateResult
from ..types.answers import MemoryAnswer
from .pairs import Pairing, Role

LAUNCHES = 3
"""Launches whose middle peak counts: the memory of equal processes differs by some pages."""


@dataclass(frozen=True)
class MeasuredLimits:
    """Limits of ``gate.toml`` that are measured on the device; None where nothing is limited.

    Attributes:
        max_memory_mb: peak resident memory of the candidate's process, decimal MB.
        max_memory_growth: of that over the baseline's, as a share.
        max_cold_start_ms: loading and the first inference, together, in a fresh process.
    """

    max_memory_mb: float | None = None
    max_memory_growth: float | None = None
    max_cold_start_ms: float | None = None

    @classmethod
    def of_keys(cls, keys: Mapping[str, float]) -> MeasuredLimits:
        """Those that the keys of gate.toml set."""
        return cls(**{one.name: keys.get(one.name) for one in fields(cls)})

    @property
    def of_memory(self) -> bool:
        """Whether the memory has to be measured."""
        return self.max_memory_mb is not None or self.max_memory_growth is not None


NO_MEASURED_LIMITS = MeasuredLimits()


@dataclass(frozen=True)
class Kept:
    """Whether a limit is kept: PASS, FAIL, or INCONCLUSIVE where it cannot be told, and a sentence."""

    status: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    reason: str


def memory_kept(pairing: Pairing, limits: MeasuredLimits) -> Kept:
    """Measure the peak memory and hold it against its limits.

    Raises:
        ToolError: a launch crashed, ran out of time, or the device is gone.
    """
    peak = peak_bytes(pairing, "candidate")
    if peak is None:
        return Kept("INCONCLUSIVE", "the device does not tell a process's peak memory, and gate.toml limits it")
    if limits.max_memory_mb is not None and peak > limits.max_memory_mb * 1e6:
        return Kept("FAIL", f"it takes {peak / 1e6:.1f} MB at its peak, and max_memory_mb is {limits.max_memory_mb:g}")
    if limits.max_memory_growth is None:
        return Kept("PASS", f"peak memory: {peak / 1e6:.1f} MB, within max_memory_mb")
    before = peak_bytes(pairing, "baseline")
    assert before is not None  # the same agent told the candidate's
    told = f"the peak memory went from {before / 1e6:.1f} to {peak / 1e6:.1f} MB"
    if peak > before * (1 + limits.max_memory_growth):
        return Kept("FAIL", f"{told}, and max_memory_growth is {limits.max_memory_growth:.1%}")
    return Kept("PASS", f"{told}, within its limits")


def memory_judged(draft: GateResult, pairing: Pairing, limits: MeasuredLimits) -> tuple[GateResult, bool]:
    """The draft with what its memory says, and whether the gate has ended by that.

    On an emulated device nothing is measured: there it would be the emulator's memory.
    """
    if not limits.of_memory or pairing.session.device.transport == "virtual":
        return draft, False
    try:
        found = memory_kept(pairing, limits)
    except EdgekitError as error:
        return draft.model_copy(update={"status": "BROKEN_OFF", "reason": str(error)}), True
    if found.status != "PASS":
        ended = {"status": found.status, "reason": found.reason, "decided_by": "memory"}
        return draft.model_copy(update=ended), True
    return draft.model_copy(update={"notes": (*draft.notes, found.reason)}), False


def peak_bytes(pairing: Pairing, role: Role) -> int | None:
    """The middle peak of some launches of a side, bytes; None where the device does not tell."""
    pairing.progress(Step(f"peak memory of the {role}"))
    told = [pairing.ask(MemoryAnswer, role).peak_rss_bytes for _ in range(LAUNCHES)]
    known = [one for one in told if one is not None]
    return round(statistics.median(known)) if known else None


def cold_start_kept(cold_ns: Sequence[int], limit_ms: float) -> Kept:
    """The cold starts of the candidate's launches against their limit: by the 95 % interval of their median.

    Args:
        cold_ns: of each launch that counts, nanoseconds.
        limit_ms: milliseconds.
    """
    interval = median_interval(cold_ns)
    if interval is None:
        return Kept("INCONCLUSIVE", f"max_cold_start_ms is {limit_ms:g}, and {len(cold_ns)} launches say too little")
    low, high = (value / 1e6 for value in interval)
    middle = statistics.median(cold_ns) / 1e6
    told = f"a cold start takes {middle:.3g} ms ({low:.3g} to {high:.3g}), and max_cold_start_ms is {limit_ms:g}"
    if low > limit_ms:
        return Kept("FAIL", told)
    return Kept("PASS" if high <= limit_ms else "INCONCLUSIVE", told)


def limited(result: GateResult, limits: MeasuredLimits) -> GateResult:
    """The result of the pairs, and what their cold starts say; a slower candidate has failed already."""
    if limits.max_cold_start_ms is None or result.status not in ("PASS", "INCONCLUSIVE"):
        return result
    starts = [one.candidate_cold_ns for one in result.kept if one.candidate_cold_ns is not None]
    found = cold_start_kept(starts, limits.max_cold_start_ms)
    notes = (*result.notes, f"the latency: {result.reason}" if found.status != "PASS" else found.reason)
    if found.status == "PASS":
        return result.model_copy(update={"notes": notes})
    return result.model_copy(
        update={"status": found.status, "reason": found.reason, "decided_by": "cold start", "notes": notes}
    )
