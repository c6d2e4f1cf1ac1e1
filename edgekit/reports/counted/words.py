"""Counts in the words and figures of tables."""

from __future__ import annotations

from collections.abc import Sequence

from ...base.clean import for_markdown
from ...types import Counted, Counts

LABEL = (
    "Counted on a simulated core, one inference: instructions are exact; cache misses are modelled; cycles and "
    "milliseconds are estimated by a model of the core, and no clock has measured them. Compare one runtime and one "
    "precision with itself: counts alone say nothing of float against int8, nor of one runtime against another."
)
HEADINGS = (
    *("model", "artifact", "device", "runtime", "counted M instr.", "FMA", "dot", "int mul", "SIMD", "loads", "stores"),
    *("branches", "MB moved", "modelled misses k", "estimated M cycles", "estimated ms", "noise"),
)
SPARE = (
    *("stores", "loads", "branches", "int mul", "dot", "FMA", "SIMD", "noise", "MB moved", "estimated M cycles"),
    *("modelled misses k", "runtime", "device"),
)
"""Columns that a narrow terminal leaves out, the least wanted first."""
NAMES = {
    "fma": "multiply-accumulates",
    "dot": "dot products",
    "int_multiply": "integer multiplications",
    "simd": "other SIMD",
    "loads": "loads",
    "stores": "stores",
    "branches": "branches",
}


def cells(one: Counted) -> tuple[str, ...]:
    """A row under ``HEADINGS``."""
    counts, estimate = one.counts, one.estimate
    return (
        one.model,
        f"{one.profile} t{one.threads}" + ("" if one.batch == 1 else f" b{one.batch}"),
        f"{one.device.id} ({one.core})",
        f"{one.runtime} {one.runtime_version}",
        millions(counts.instructions),
        *(millions(getattr(counts, name)) for name in NAMES),
        f"{(counts.bytes_loaded + counts.bytes_stored) / 1e6:.1f}",
        "/".join(f"{misses / 1e3:.0f}" for misses in counts.cache_misses),
        millions(estimate.cycles),
        f"{estimate.latency_ms:.3g} at {estimate.clock_mhz / 1e3:g} GHz",
        "-" if one.noise is None else f"{one.noise:.0e}" if one.noise else "0",
    )


def errors_of(found: Sequence[Counted]) -> list[str]:
    """What is known of the errors of the estimates, a line for each core."""
    known = dict.fromkeys((one.core, one.estimate.error) for one in found)
    return [f"Estimates for {core}: {error}." for core, error in known]


def markdown_section(found: Sequence[Counted]) -> str:
    """The section of a report; empty without counts."""
    if not found:
        return ""
    lines = ["## Counted on simulated boards, not measured", "", LABEL, ""]
    lines += [f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    lines += [f"| {' | '.join(for_markdown(text) for text in cells(one))} |" for one in found]
    lines += ["", *(f"- {line}" for line in errors_of(found))]
    return "\n".join(lines) + "\n"


def millions(value: float) -> str:
    """Four digits or so, in millions."""
    return "0" if not value else f"{value / 1e6:.3f}" if value < 1e8 else f"{value / 1e6:.1f}"


def top_functions(one: Counted, most: int = 8) -> list[str]:
    """The functions with the most instructions, a line each."""
    total = one.counts.instructions
    return [f"{function.instructions / total:6.1%}  {function.label}" for function in one.functions[:most] if total]


def grown(before: Counted, after: Counted) -> list[str]:
    """What grew from one to the other: classes, then functions, the largest growth first, in words."""
    return [*grown_classes(before.counts, after.counts), *grown_functions(before, after)]


def grown_classes(before: Counts, after: Counts) -> list[str]:
    """The classes of instructions that grew by at least a tenth of a per mille of all instructions."""
    least = before.instructions * 1e-4
    rows = [(getattr(after, name) - getattr(before, name), name) for name in NAMES]
    lines = [
        f"{NAMES[name]}: {millions(getattr(before, name))} -> {millions(getattr(after, name))} M"
        for delta, name in sorted(rows, reverse=True)
        if delta > least
    ]
    for level, (old, new) in enumerate(zip(before.cache_misses, after.cache_misses, strict=False), 1):
        if new > old * 1.02 and new - old > least / 30:
            lines.append(f"modelled misses of level {level}: {old / 1e3:.0f} -> {new / 1e3:.0f} k")
    return lines


def grown_functions(before: Counted, after: Counted, most: int = 6) -> list[str]:
    """The functions of the runtime that execute more; new ones too."""
    old = {(f.library, f.name): f.instructions for f in before.functions}
    least = before.counts.instructions * 1e-4
    rows = sorted(((f.instructions - old.get((f.library, f.name), 0), f) for f in after.functions),
                  key=lambda row: -row[0])  # fmt: skip
    return [
        f"{f.label}: {millions(old.get((f.library, f.name), 0))} -> {millions(f.instructions)} M"
        for delta, f in rows[:most]
        if delta > least
    ]


def kernels_of(found: Sequence[Counted]) -> list[str]:
    """For each artifact its largest functions, headed by its name."""
    lines = []
    for one in found:
        lines += [f"{one.model} {one.profile} on {one.device.id}, counted by function:"]
        lines += [f"  {line}" for line in top_functions(one)]
    return lines
