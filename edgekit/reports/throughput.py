"""Inferences a second of several streams at once, apart from the latency of one after another."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..types import Measurement, Throughput
from .table import milliseconds

WORDS = ("model", "format", "precision")
TITLES = (*WORDS, "streams", "threads each", "inferences/s", "images/s", "busy p50 ms", "p90 ms")


def throughput_table(measurements: Sequence[Measurement]) -> Group:
    """A row for each number of streams, then what has to be said of them; ``images/s`` where a batch is more than one.

    Args:
        measurements: with throughput, at least one.
    """
    batched = any(m.batch > 1 for m in measurements)
    titles = [title for title in TITLES if batched or title != "images/s"]
    table = Table(header_style="bold", box=None, pad_edge=False, title="inferences of several streams at once")
    table.title_justify = "left"
    for title in titles:
        table.add_column(title, justify="left" if title in WORDS else "right")
    for m in measurements:
        for cells in rates(m):
            table.add_row(m.model, m.format, m.precision, *(cells if batched else [*cells[:3], *cells[4:]]))
    return Group(table, *map(Text, notes(measurements)))


def rates(m: Measurement) -> list[list[str]]:
    """The cells of each number of streams of a measurement, as ``TITLES`` has them behind the words."""
    return [
        [
            str(one.streams),
            str(one.threads),
            rate(one.per_s),
            rate(one.per_s * m.batch),
            milliseconds(one.busy_p50_ns / 1e6),
            milliseconds(one.busy_p90_ns / 1e6),
        ]
        for one in m.throughput or ()
    ]


def rate(per_s: float) -> str:
    """A rate with three significant figures, or all digits before the point."""
    return f"{per_s:.0f}" if per_s >= 100 else f"{per_s:.3g}"


def notes(measurements: Sequence[Measurement]) -> list[str]:
    """What a reader must know of the rates."""
    lines = ["busy: one inference while the other streams worked too, which is no latency to be compared"]
    lines += [crowd(one) for one in {one.streams: one for m in measurements for one in m.throughput or ()}.values()]
    return list(dict.fromkeys(line for line in lines if line))


def crowd(one: Throughput) -> str:
    """That the threads are more than the CPUs; empty where they are not."""
    if not one.crowded:
        return ""
    count = one.streams * one.threads
    return f"{one.streams} streams of {one.threads}: {count} threads share {one.cpus} CPUs"
