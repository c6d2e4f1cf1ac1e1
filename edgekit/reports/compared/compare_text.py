"""A comparison in words: one set of rows, as a table for the terminal and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from ...base.clean import for_markdown
from ...base.stats import percent
from ...types import Measurement
from ..summary import clock, flags, load, temperature, values
from ..table import UNVERIFIED, megabytes, milliseconds, precision
from .compare import Comparison, Side
from .operators import OpChange

SHOWN_OPERATORS = 8
Cells = tuple[str, str, str, str]
"""Name, A, B, change."""
HEAD: Cells = ("", "A", "B", "B against A")


def headline(found: Comparison) -> str:
    """The answer in one sentence."""
    r = found.ratio
    how = f"{r.pairs} pairs of fresh processes" if found.paired else "samples of one launch each"
    span = f"{percent(r.ratio)} ({r.confidence:.0%} interval {percent(r.low)} to {percent(r.high)}, {how})"
    return f"{f'B is {found.word}' if found.word in ('faster', 'slower') else found.word}: {span}"


def rows(found: Comparison) -> list[Cells]:
    """Everything that is compared; a row that is empty on both sides is left out."""
    a, b = found.a.measurement, found.b.measurement
    size, p50 = b.artifact_bytes / a.artifact_bytes if a.artifact_bytes else 1.0, found.ratio.ratio
    lines: list[Cells] = [
        ("device", a.device.id, b.device.id, ""),
        ("model", a.model, b.model, ""),
        ("profile", a.profile, b.profile, ""),
        ("precision", precision(a), precision(b), ""),
        ("runtime", f"{a.runtime} {a.runtime_version}", f"{b.runtime} {b.runtime_version}", ""),
        (
            "p50 ms",
            milliseconds(found.a.p50_ms),
            milliseconds(found.b.p50_ms, like=found.a.p50_ms),
            percent(p50),
        ),
        ("launches", str(len(found.a.launches)), str(len(found.b.launches)), ""),
        ("samples", samples(found.a), samples(found.b), ""),
        ("size", megabytes(a.artifact_bytes), megabytes(b.artifact_bytes), percent(size)),
        ("peak memory", memory(a), memory(b), memory_change(a, b)),
        ("parity, cosine", known(a.parity_cosine, ".5f"), known(b.parity_cosine, ".5f"), ""),
        ("parity, SQNR", known(a.parity_sqnr_db, ".1f", " dB"), known(b.parity_sqnr_db, ".1f", " dB"), decibels(a, b)),
        ("same on the device, cosine", on_device(a), on_device(b), ""),
        ("verdict", verdict(found.a), verdict(found.b), ""),
        ("governor", values(a.state_before.governor), values(b.state_before.governor), ""),
        ("clock", clock(a.state_before), clock(b.state_before), ""),
        ("temperature", temperature(a.state_before), temperature(b.state_before), ""),
        ("load average, 1 min", load(a.state_before), load(b.state_before), ""),
        ("throttling flags", flags(a.state_after), flags(b.state_after), ""),
        ("weights", a.weights_kind, b.weights_kind, ""),
        ("measured at", a.measured_at, b.measured_at, ""),
        ("commit", commit(a), commit(b), ""),
        ("artifact", a.artifact_sha256[:12], b.artifact_sha256[:12], ""),
    ]
    return [line for line in lines if line[1] or line[2]]


def samples(side: Side) -> str:
    """Inferences in all launches."""
    return str(sum(len(launch.samples_ns) for launch in side.launches))


def memory(m: Measurement) -> str:
    """Peak memory of the process, where measured."""
    return "" if m.peak_rss_bytes is None else megabytes(m.peak_rss_bytes)


def memory_change(a: Measurement, b: Measurement) -> str:
    """The change of the peak, where both were measured."""
    return "" if not a.peak_rss_bytes or b.peak_rss_bytes is None else percent(b.peak_rss_bytes / a.peak_rss_bytes)


def known(value: float | None, how: str, unit: str = "") -> str:
    """A figure of parity, or that there is none."""
    return UNVERIFIED if value is None else f"{value:{how}}{unit}"


def decibels(a: Measurement, b: Measurement) -> str:
    """The change of the SQNR, where both artifacts were verified."""
    if a.parity_sqnr_db is None or b.parity_sqnr_db is None:
        return ""
    return f"{b.parity_sqnr_db - a.parity_sqnr_db:+.1f} dB"


def on_device(m: Measurement) -> str:
    """Parity on the device, where looked at."""
    return "" if m.device_cosine is None else f"{m.device_cosine:.5f}"


def verdict(side: Side) -> str:
    """The verdict of one launch, or how many of several were undisturbed: too short for a verdict each."""
    if len(side.launches) == 1:
        return side.measurement.verdict.name
    return f"{len(side.launches) - side.busy} of {len(side.launches)} undisturbed"


def commit(m: Measurement) -> str:
    """The project's commit, marked when files had been changed."""
    return "" if m.revision is None else m.revision.commit[:10] + ("+changes" if m.revision.dirty else "")


def operator_rows(changes: Sequence[OpChange], shown: int = SHOWN_OPERATORS) -> list[Cells]:
    """The largest slowdowns and, after them, the largest speed-ups."""
    slower = [change for change in changes if change.change_ns > 0][:shown]
    faster = [change for change in changes if change.change_ns < 0][-shown:]
    return [
        (label(change), time(change.ns_a), time(change.ns_b), f"{change.change_ns / 1e6:+.3f}")
        for change in (*slower, *faster)
    ]


def label(change: OpChange) -> str:
    """Type, and the name or how many."""
    if change.name == change.type:
        counts = f"{change.count_a}" if change.count_a == change.count_b else f"{change.count_a} to {change.count_b}"
        return f"{change.type} ({counts})"
    return f"{change.name} ({change.type})"


def time(ns: int | None) -> str:
    """A time in milliseconds; a dash for what is not there."""
    return "-" if ns is None else f"{ns / 1e6:.3f}"


def compare_markdown(found: Comparison) -> str:
    """The whole comparison, with a final newline."""
    parts = [f"### {for_markdown(headline(found))}", pipe_table(HEAD, rows(found))]
    for title, changes in (("By operator type", found.types), ("By operator", found.operators)):
        lines = operator_rows(changes or ())
        if lines:
            head = ("operator", "A ms", "B ms", "change ms")
            parts += [f"<details><summary>{title}</summary>", pipe_table(head, lines), "</details>"]
    parts += ["\n".join(f"- {for_markdown(doubt)}" for doubt in found.doubts)] if found.doubts else []
    return "\n\n".join(parts) + "\n"


def pipe_table(head: Cells, lines: Sequence[Cells]) -> str:
    """A Markdown table; figures to the right."""
    every = [tuple(map(for_markdown, line)) for line in (head, *lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (every[0], ("---", "--:", "--:", "--:"), *every[1:]))
