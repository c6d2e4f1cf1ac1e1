"""The words and the table that all pages of a gate share, whatever their format."""

from __future__ import annotations

from collections.abc import Sequence

from ...base.stats import percent
from ...types import CountGate, GateResult, OpChange
from ..counted.gate_words import remarks as count_remarks

MEANING = {
    "PASS": "not slower",
    "FAIL": "slower",
    "INCONCLUSIVE": "nothing proven",
    "INVALID": "the device or the clock could not be trusted",
    "NOT_COMPARABLE": "other conditions than the baseline's",
    "BROKEN_OFF": "the measurement did not end",
}
"""The meaning of each status, and its limits."""
NEXT = {
    "PASS": "",
    "FAIL": "see which operators got slower; if it is meant to be so: edgekit gate --update",
    "INCONCLUSIVE": "run it again on a quieter device, or name a larger delta",
    "INVALID": "cool the device or stop what else runs on it, then run it again",
    "NOT_COMPARABLE": "restore the conditions, or pin the baseline again under the new ones: edgekit gate --update",
    "BROKEN_OFF": "see what the device says, then run it again: edgekit devices check",
}
"""What to do about each status."""
UPGRADE = {
    **NEXT,
    "FAIL": "keep the older version for this artifact, and report what changed to the runtime's makers",
    "NOT_COMPARABLE": "see what differs besides the version, then run it again",
    "BROKEN_OFF": "see what the runtime says, then run it again",
}
"""The same where two versions of a runtime are compared."""
NEXT_ACCURACY = {
    "FAIL": "let more of it stay in float, or calibrate on more images: docs/how-to/int8-accuracy.md",
    "INCONCLUSIVE": "evaluate it, on more images where it was evaluated: edgekit evaluate --against float",
    "INVALID": "evaluate it again: edgekit evaluate --against float",
}
"""The same where the accuracy decided."""
NEXT_FILE = {"FAIL": "see what the export changed; if it is meant to be so, raise the limit in gate.toml"}
"""The same where a limit on the file decided."""
NEXT_MEASURED = {
    **NEXT_FILE,
    "INCONCLUSIVE": "run it again on a quieter device, or leave more room to the limit in gate.toml",
}
"""The same where a limit on what was measured beside the latency decided."""
DECIDED: dict[str, tuple[dict[str, str], str, str]] = {
    "accuracy": (NEXT_ACCURACY, "loses too much accuracy", "its accuracy is not known well enough"),
    "file": (NEXT_FILE, "the file breaks a limit", "the file breaks a limit"),
    "memory": (NEXT_MEASURED, "takes too much memory", "its memory is not known"),
    "cold start": (NEXT_MEASURED, "starts too slowly", "its cold start is too near to the limit"),
}
"""What to do, what FAIL means and what every other status means, by what else than the latency decided."""
HEADINGS = ("status", "model", "artifact", "device", "baseline ms", "candidate ms", "change", "interval", "pairs")
SPARE = ("pairs", "device", "baseline ms", "candidate ms", "interval")
"""Columns that a narrow terminal leaves out, the least wanted first."""
SHOWN_OPS = 5


def row(result: GateResult) -> tuple[str, ...]:
    """The cells of a result under ``HEADINGS``."""
    look = result.looks[-1] if result.looks else None
    dropped = len(result.pairs) - len(result.kept)
    return (
        result.status,
        result.model,
        f"{result.profile} {result.placing}",
        result.device.id + (" (emulated)" if result.emulated else ""),
        milliseconds(result.p50_ms("baseline")),
        milliseconds(result.p50_ms("candidate")),
        percent(look.ratio) if look else "-",
        f"{percent(look.low)} to {percent(look.high)}" if look else "-",
        f"{len(result.kept)}" + (f" ({dropped} dropped)" if dropped else ""),
    )


def milliseconds(value: float | None) -> str:
    """Three significant digits, or a dash."""
    return "-" if value is None else f"{value:.3g}"


def slower_operators(result: GateResult) -> list[OpChange]:
    """The types of operators that took more time, the largest increase first."""
    return [change for change in result.changes if change.candidate_ns > change.baseline_ns][:SHOWN_OPS]


def operator_line(change: OpChange) -> str:
    """One type of operators in words."""
    count = (
        f"{change.candidate_count}"
        if change.candidate_count == change.baseline_count
        else f"{change.baseline_count} -> {change.candidate_count}"
    )
    return (
        f"{change.type} ({count}): {change.baseline_ns / 1e6:.3f} -> {change.candidate_ns / 1e6:.3f} ms, "
        f"{(change.candidate_ns - change.baseline_ns) / 1e6:+.3f} ms"
    )


def remarks(result: GateResult | CountGate) -> list[str]:
    """The remarks below the table: the reason, the rule, the pin, and the next step."""
    if isinstance(result, CountGate):
        return count_remarks(result)
    lines = [result.reason]
    if result.status == "FAIL":
        lines += [f"slower: {operator_line(change)}" for change in slower_operators(result)]
    if result.pinned_p50_ms is not None and result.pinned_at is not None:
        lines.append(
            f"when it was pinned ({result.pinned_at[:10]}) the baseline took {result.pinned_p50_ms:.3g} ms: "
            "shown, not judged"
        )
    if result.handicap:
        lines.append(f"the candidate was slowed on purpose: {result.handicap}")
    lines += result.notes
    steps = UPGRADE if result.candidate_runtime else NEXT
    if result.decided_by != "latency":
        steps = DECIDED[result.decided_by][0]
    if todo := steps.get(result.status):
        lines.append(f"next: {todo}")
    return lines


def meaning(result: GateResult) -> str:
    """What the status of a result says, in a few words."""
    if result.decided_by == "latency":
        return MEANING[result.status]
    _, failed, unknown = DECIDED[result.decided_by]
    return failed if result.status == "FAIL" else unknown


def headline(results: Sequence[GateResult]) -> str:
    """The whole run in a sentence."""
    counts = {status: sum(r.status == status for r in results) for status in MEANING}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{len(results)} gate{'s' if len(results) != 1 else ''}: {said}"
