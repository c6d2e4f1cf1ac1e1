"""The summary table: which columns, what they show and what they sort by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..summary import Row, measured_top1
from ..table import UNVERIFIED, decimals, interval, megabytes, milliseconds, precision

VERDICTS = ("stable", "noisy", "throttled", "emulated")


@dataclass(frozen=True)
class Cell:
    """What a cell shows: ``text`` with ``note`` small below it; ``key`` is what it sorts by, empty when unknown."""

    text: str
    key: str
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A column. ``help`` is what its heading says on hovering."""

    id: str
    title: str
    help: str
    numeric: bool
    cell: Callable[[Row], Cell]


def of_number(value: float | None, text: str, note: str = "") -> Cell:
    """A cell that sorts by a number; a dash where there is none."""
    return Cell("-", "") if value is None else Cell(text, f"{value:.12g}", note)


def latency(row: Row, percentile: float) -> Cell:
    """A percentile; the median with its interval."""
    m = row.measurement
    value = m.p50_ms if percentile == 50 else m.percentile_ms(percentile)
    return of_number(value, milliseconds(value), interval(m) if percentile == 50 else "")


def rate(row: Row) -> Cell:
    """MACs of the whole batch over the median; nothing for an emulated machine."""
    m = row.measurement
    if m.verdict.name == "emulated" or not m.p50_ms or m.macs is None:
        return Cell("-", "")
    value = m.macs * m.batch / m.p50_ms / 1e6
    return of_number(value, f"{value:.{min(decimals(value), 2)}f}")


def agreement(row: Row) -> Cell:
    """Parity at export."""
    m = row.measurement
    if m.parity_cosine is None:
        return Cell(UNVERIFIED, "")
    return of_number(m.parity_cosine, f"{m.parity_cosine:.4f}", f"{m.parity_sqnr_db:.0f} dB")


def agreement_there(row: Row) -> Cell:
    """Parity on the device, where it was checked there."""
    found = row.measurement.device_cosine
    return of_number(found, "" if found is None else f"{found:.4f}")


def delegated(row: Row) -> Cell:
    """Share of the operators that the delegate takes, and in how many partitions."""
    d = row.measurement.delegation
    return (
        Cell("-", "")
        if d is None
        else of_number(d.share, f"{d.share:.0%}", f"{d.name}" if d.partitions is None else f"{d.partitions} part.")
    )


def memory(row: Row) -> Cell:
    """Peak of the whole process."""
    peak = row.measurement.peak_rss_bytes
    return of_number(peak, "" if peak is None else megabytes(peak).removesuffix(" MB"))


def top1(row: Row) -> Cell:
    """The published figure of the float network."""
    return of_number(row.accuracy, "" if row.accuracy is None else f"{row.accuracy:.1f}")


def top1_here(row: Row) -> Cell:
    """What was evaluated of the artifact itself, and on how many images."""
    found = row.evaluation
    if found is None or found.top1 is None:
        return Cell("-", "")
    return of_number(100 * found.top1.share, measured_top1(found), f"{found.images} images of {found.data}")


def verdict(row: Row) -> Cell:
    """The verdict, from the best to the worst."""
    name = row.measurement.verdict.name
    return Cell(name, str(VERDICTS.index(name)))


def word(text: str, note: str = "") -> Cell:
    """A cell that sorts by its text."""
    return Cell(text, text.lower(), note)


def size(row: Row) -> Cell:
    """Size of the artifact."""
    count = row.measurement.artifact_bytes
    return of_number(count, megabytes(count).removesuffix(" MB"))


def count(value: int) -> Cell:
    """A cell that shows a count."""
    return of_number(value, str(value))


SHOWN = 9
"""Columns that show at once; the reader may ask for others."""


def shown_columns(rows: Sequence[Row]) -> tuple[str, ...]:
    """The ids of the columns that show at once, in their order: those that tell the rows apart come first."""
    ms = [row.measurement for row in rows]
    wishes = ["number", "model", "p50", "verdict", "format", "precision", "size"]
    wishes += ["device"] if len({m.device.id for m in ms}) > 1 else []
    wishes += ["threads"] if len({m.threads for m in ms}) > 1 else []
    wishes += ["top1_here"] if any(row.evaluation is not None for row in rows) else []
    wishes += ["top1"] if any(row.accuracy is not None for row in rows) else []
    wishes += ["memory"] if any(m.peak_rss_bytes is not None for m in ms) else []
    wishes += ["parity", "p99"]
    chosen = set(wishes[:SHOWN])
    return tuple(column.id for column in COLUMNS if column.id in chosen)


COLUMNS: tuple[Column, ...] = (
    Column("number", "#", "Number on this page; opens the details", True, lambda r: count(r.number)),
    Column("model", "model", "Network variant", False, lambda r: word(r.measurement.model)),
    Column("device", "device", "Where it was measured", False, lambda r: word(r.measurement.device.id)),
    Column(
        "format",
        "format",
        "Format, and the runtime",
        False,
        lambda r: word(r.measurement.format, r.measurement.runtime),
    ),
    Column(
        "precision",
        "precision",
        "Precision, and the type of input and output where it is not float32",
        False,
        lambda r: word(precision(r.measurement)),
    ),
    Column("threads", "thr.", "Threads within an operator", True, lambda r: count(r.measurement.threads)),
    Column("p50", "p50 ms", "Median latency of one inference, with its 95 % interval", True, lambda r: latency(r, 50)),
    Column("p90", "p90", "90th percentile, ms", True, lambda r: latency(r, 90)),
    Column("p99", "p99", "99th percentile, ms", True, lambda r: latency(r, 99)),
    Column("n", "n", "Samples", True, lambda r: count(len(r.measurement.samples_ns))),
    Column("size", "MB", "Size of the artifact, decimal megabytes", True, size),
    Column("memory", "RSS MB", "Peak resident memory of the whole process, decimal megabytes", True, memory),
    Column("rate", "GMAC/s", "Multiply-accumulates of the network over the median latency", True, rate),
    Column("top1", "top-1 %", "ImageNet top-1, published for the float network, not measured here", True, top1),
    Column(
        "top1_here",
        "top-1 here",
        "Top-1 of this artifact by edgekit evaluate, and in brackets what int8 or fp16 changed, in points",
        True,
        top1_here,
    ),
    Column("parity", "parity", "Worst cosine and SQNR against the float reference, at export", True, agreement),
    Column("there", "there", "Cosine of the device's own output for the check image", True, agreement_there),
    Column(
        "delegated",
        "deleg.",
        "Share of the operators in the CPU delegate, and its partitions, as audited at export",
        True,
        delegated,
    ),
    Column("verdict", "verdict", "Whether to trust the latency", False, verdict),
)
