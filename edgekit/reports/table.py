"""Measurements as a table, and the one place that turns their numbers into text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..base.stats import p50_interval
from ..types import Measurement, Summary
from .brief.alike import grouped
from .narrow import fit

ASSUMED = "nothing says how images were made for these weights; latency is valid, accuracy is not claimed"

UNVERIFIED = "unverified"
"""Of a file that edgekit did not export: nobody compared its outputs with those of its network."""

NAMED = 4
"""Measurements that are named beside a reason."""
WIDE = 160
"""Columns in which the widest table is whole."""
VERDICT_STYLE = {"stable": "green", "noisy": "yellow", "throttled": "red", "emulated": "magenta"}

ENERGY = "energy: of one inference, all that ran on the device meanwhile included, its power at rest not subtracted"


def decimals(value: float) -> int:
    """Digits after the point that leave three significant ones, at most four."""
    return next((n for n in range(4) if abs(value) >= 10 ** (2 - n)), 4)


def milliseconds(value: float, like: float | None = None) -> str:
    """A latency; ``like`` gives the precision, so that the figures of a row line up."""
    return f"{value:.{decimals(value if like is None else like)}f}"


def interval(measurement: Measurement | Summary) -> str:
    """The 95 % interval of the median, as low-high in milliseconds; a dash when there are too few samples."""
    found = p50_interval(measurement)
    if found is None:
        return "-"
    low, high = (milliseconds(ns / 1e6, like=measurement.p50_ms) for ns in found)
    return f"{low}-{high}"


def megabytes(count: int) -> str:
    """Bytes as decimal megabytes."""
    value = count / 1e6
    return f"{value:.{max(decimals(value), 1)}f} MB" if value < 100 else f"{value:.0f} MB"


def precision(measurement: Measurement) -> str:
    """Precision, with the type of inputs and outputs where that is not float32."""
    return measurement.precision if measurement.io == "float32" else f"{measurement.precision}, io {measurement.io}"


def parity(measurement: Measurement) -> str:
    """Agreement with the float reference: worst cosine, SQNR in dB."""
    if measurement.parity_cosine is None:
        return UNVERIFIED
    return f"{measurement.parity_cosine:.4f} / {measurement.parity_sqnr_db:.0f} dB"


def energy_each(measurement: Measurement) -> str:
    """Millijoules of one inference by domain; empty where the device has no counter that we may read."""
    return ", ".join(f"{d.domain} {milliseconds(measurement.millijoules(d))} mJ" for d in measurement.energy or ())


def measurement_table(measurements: Sequence[Measurement], width: int = WIDE) -> Group:
    """A table of measurements, one row each, followed by the reasons of verdicts and notes on the weights.

    Args:
        measurements: at least one.
        width: of the terminal; on a narrow one some columns are left out, and what all rows share is said once.
    """
    devices = sorted({m.device.id for m in measurements})
    sizes = sorted({m.batch for m in measurements})
    batches = f"batch {sizes[0]}" if len(sizes) == 1 else "of a whole batch"
    counted = any(m.energy for m in measurements)
    mixed = ["batch"] if len(sizes) > 1 else []
    words, figures = ("model", "format", "precision"), ("p50 ms", "p90 ms", "95 % of p50", "n", "peak RSS")
    numbers = ("size", "threads", *mixed, *figures, *(["energy"] * counted))
    titles = (*words, *numbers, "parity (cos / SQNR)", "verdict")
    rows: list[tuple[str | Text, ...]] = [
        (
            m.model if len(devices) == 1 else f"{m.model} on {m.device.id}",
            m.format,
            precision(m),
            megabytes(m.artifact_bytes),
            f"{m.threads}{m.on_cores}",
            *([str(m.batch)] if mixed else []),
            milliseconds(m.p50_ms),
            milliseconds(m.p90_ms, like=m.p50_ms),
            interval(m),
            f"{len(m.samples_ns)}{'' if m.rounds is None else f' in {len(m.rounds)} rounds'}",
            "-" if m.peak_rss_bytes is None else megabytes(m.peak_rss_bytes),
            *([energy_each(m) or "-"] * counted),
            parity(m),
            Text(m.verdict.name, style=VERDICT_STYLE[m.verdict.name]),
        )
        for m in measurements
    ]
    fitted = fit(titles, rows, width, ("n", "p90 ms", "parity (cos / SQNR)", "peak RSS", "size"))
    table = Table(header_style="bold", box=None, pad_edge=False, title=f"latency on {', '.join(devices)}, {batches}")
    table.title_justify = "left"
    for title in (titles[place] for place in fitted.kept):
        table.add_column(title, justify="right" if title in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(row[place] for place in fitted.kept))
    return Group(table, *(Text(line) for line in (*fitted.notes, *notes(measurements))))


def reason(verdict: str, text: str, members: Sequence[Measurement]) -> str:
    """Why measurements have a verdict; the names of the first where they are several."""
    names = [f"{m.model} {m.profile} on {m.device.id}" for m in members]
    if len(names) == 1:
        return f"{verdict}: {names[0]}: {text}"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{verdict}, {len(names)} measurements: {text} ({', '.join(names[:NAMED])}{more})"


def notes(measurements: Sequence[Measurement]) -> list[str]:
    """What a reader must know beside the figures."""
    said = [(m.verdict.name, "; ".join(m.verdict.reasons), m) for m in measurements if m.verdict.reasons]
    lines = [reason(name, text, members) for name, text, members in grouped(said)]
    lines += [f"operator times: {m.model} {m.profile}: {m.per_op_note}" for m in measurements if m.per_op_note]
    if any(m.energy for m in measurements):
        lines.append(ENERGY)
    random = sorted({m.model for m in measurements if m.weights_kind == "random"})
    if random:
        lines.append(f"weights: random for {', '.join(random)}: latency is valid, accuracy is not claimed")
    assumed = sorted({m.model for m in measurements if m.preprocessing_assumed})
    if assumed:
        lines.append(f"preprocessing: assumed for {', '.join(assumed)}: {ASSUMED}")
    return lines


def operator_table(measurement: Measurement, rows: int = 15) -> Group:
    """The slowest operators of a measurement with per-operator times, and their share of the sum."""
    operators = sorted(measurement.per_op or (), key=lambda op: -op.ns)
    total = sum(op.ns for op in operators) or 1
    shown = f"{min(rows, len(operators))} slowest of {len(operators)} operators"
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("operator", overflow="ellipsis", no_wrap=True)
    table.add_column("type", no_wrap=True)
    table.add_column("ms", justify="right")
    table.add_column("share", justify="right")
    for op in operators[:rows]:
        table.add_row(Text(op.name), op.type, milliseconds(op.ns / 1e6), f"{op.ns / total:.1%}")
    return Group(Text(f"{measurement.model} {measurement.profile}: {shown}, timed one by one"), table)
