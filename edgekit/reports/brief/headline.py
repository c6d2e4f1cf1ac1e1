"""The answer for a device in a few lines: the fastest artifact, the gain from int8, the runtime, the doubts."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...types import Measurement
from ..page.speedup import Speedup, speedups
from ..summary import Group, Row
from ..table import UNVERIFIED, interval, milliseconds
from .asks import outside, runtimes
from .limits import NO_LIMITS, Kept

NAMED = 6
"""Measurements that a line names by number."""


@dataclass(frozen=True)
class Line:
    """A line of the headline.

    Attributes:
        label: what it is about.
        text: what it says.
        rows: the measurements that it rests on, the first of many.
        warns: it says what is not to be trusted, or not kept.
    """

    label: str
    text: str
    rows: tuple[Row, ...] = ()
    warns: bool = False


def headline(group: Group, kept: Kept = NO_LIMITS) -> list[Line]:
    """The lines of a device; of an emulated one, that its latencies mean nothing."""
    if group.emulated:
        return [Line("emulated", "these latencies mean nothing", warns=True)]
    found = [fastest(group.rows, kept), *gains(group.rows)]
    if told := runtimes(group.rows):
        found.append(Line("runtimes", told))
    said, partly = outside(group.rows)
    if said:
        found.append(Line("delegate", said, partly[:NAMED], warns=True))
    return [*found, trust(group.rows)]


def fastest(rows: Sequence[Row], kept: Kept) -> Line:
    """The stable measurement with the lowest median that keeps the limits, and a note on any that may be faster."""
    label = f"fastest that keeps {kept.words}" if kept.words else "fastest"
    ordered = sorted(rows, key=lambda row: row.measurement.p50_ms)
    keeping = [row for row in ordered if kept.keeps(row.number)]
    if not keeping:
        nearest = min(ordered, key=lambda row: (len(kept.missed[row.number]), row.measurement.p50_ms))
        why = "; ".join(kept.missed[nearest.number])
        return Line(label, f"none of {len(rows)}; the nearest is {named(nearest.measurement)}: {why}", (nearest,), True)
    stable = [row for row in keeping if row.measurement.verdict.name == "stable"]
    best = (stable or keeping)[0]
    before = tuple(row for row in keeping if row.measurement.p50_ms < best.measurement.p50_ms)
    text = named(best.measurement)
    if not stable:
        alone = "" if len(keeping) == 1 else ": none of them is stable"
        return Line(label, f"{text}, which is {best.measurement.verdict.name}{alone}", (best,), True)
    if before:
        states = ", ".join(dict.fromkeys(row.measurement.verdict.name for row in before))
        text += f"; {len(before)} with a lower median {'is' if len(before) == 1 else 'are'} {states}"
    return Line(label, text, (best, *before[: NAMED - 1]))


def named(m: Measurement) -> str:
    """A measurement with its median and interval."""
    found = interval(m)
    span = "" if found == "-" else f" ({found})"
    threads = "" if m.threads == 1 else f", {m.threads} threads"
    where = "" if m.accelerator == "cpu" else f", {m.accelerator}"
    return f"{m.model} {m.profile}{threads}{where}: {milliseconds(m.p50_ms)} ms{span}"


def gains(rows: Sequence[Row]) -> list[Line]:
    """The gain from int8 and float16 over float32, one line each."""
    found = speedups(rows)
    lines = []
    for name, precisions in (("int8", {"int8"}), ("float16", {"fp16"}), ("int8 weights", {"dynamic", "weight-only"})):
        pairs = [one for one in found if one.row.measurement.precision in precisions]
        if pairs:
            lines.append(gain(name, pairs))
    return lines


def gain(name: str, pairs: Sequence[Speedup]) -> Line:
    """How often a precision is faster than float32, and how much."""
    ratios = [one.ratio for one in pairs]
    counts = Counter(one.verdict for one in pairs)
    if len(pairs) == 1:
        return Line(f"{name} against float32", pairs[0].words, (pairs[0].row,), counts["slower"] > 0)
    parts = [f"{counts[word]} {word}" for word in ("faster", "slower", "undecided", "in doubt") if counts[word]]
    slower = tuple(one.row for one in pairs if one.verdict == "slower")
    low, high = f"{min(ratios):.2f}x", f"{max(ratios):.2f}x"
    span = f"{low} to {high} as fast, median {statistics.median(ratios):.2f}x"
    middle = f"{low} as fast" if low == high else span
    which = "; slower:" if slower else ""
    return Line(f"{name} against float32", f"{middle}; of {len(pairs)} pairs {', '.join(parts)}{which}", slower[:NAMED])


def trust(rows: Sequence[Row]) -> Line:
    """The doubts: unstable medians, outputs that nobody compared, several machines under one name."""
    unsure = tuple(row for row in rows if row.measurement.verdict.name != "stable")
    said = []
    if unsure:
        counts = Counter(row.measurement.verdict.name for row in unsure)
        kinds = ", ".join(f"{n} {name}" for name, n in counts.items())
        alone = f"the median is {next(iter(counts))}"
        said.append(f"{len(unsure)} of {len(rows)} medians: {kinds}" if len(rows) > 1 else alone)
    unverified = tuple(row for row in rows if row.measurement.parity_cosine is None)
    if unverified:
        said.append(f"{len(unverified)} {UNVERIFIED}: nobody compared their outputs")
    machines = {row.measurement.info.cpu for row in rows}
    if len(machines) > 1:
        said.append(f"{len(machines)} machines under one name: their latencies do not compare")
    if not said:
        every = "the median is stable" if len(rows) == 1 else f"all {len(rows)} medians are stable"
        return Line("to be trusted", f"{every}, and the outputs were compared at export")
    which = {row.number: row for row in (*unsure, *unverified)}
    return Line("not to be trusted", "; ".join(said), tuple(which.values())[:NAMED], True)
