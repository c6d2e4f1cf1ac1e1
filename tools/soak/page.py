"""A soak as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .growth import Growth

NAMES = {
    "rss_bytes": "memory of edgekit",
    "descriptors": "open descriptors",
    "threads": "threads",
    "children": "children not waited for",
    "scratch": "temporary folders here",
    "there": "files on the device",
}


@dataclass(frozen=True)
class Soaked:
    """What a soak on one device showed.

    Attributes:
        looks: taken, one after each measurement that was tried.
        measurements: that were made.
        failures: of measurements, in words.
    """

    device: str
    minutes: float
    looks: int
    measurements: int
    failures: tuple[str, ...]
    growths: tuple[Growth, ...]

    @property
    def flat(self) -> bool:
        """True when nothing failed and nothing grew."""
        return not self.failures and all(growth.flat for growth in self.growths)


def page(soaked: Sequence[Soaked]) -> str:
    """All devices, as Markdown."""
    lines = ["# Measuring without a pause", "", "Medians of the first, the second and the last third of the looks."]
    for one in soaked:
        lines += [
            "",
            f"## {one.device}: {one.minutes:.1f} minutes, {one.measurements} measurements, {one.looks} looks",
            "",
            *table(one.growths),
            *([""] if one.failures else []),
            *(f"- failed: {failure}" for failure in one.failures),
        ]
    return "\n".join(lines) + "\n"


def table(growths: Sequence[Growth]) -> list[str]:
    """A row for each figure; the pages of the soak and of the faults both show it."""
    rows = ["| | first | second | last | |", "| --- | ---: | ---: | ---: | --- |"]
    for growth in growths:
        cells = [shown(growth.name, value) for value in (growth.first, growth.middle, growth.last)]
        rows.append(f"| {NAMES[growth.name]} | {' | '.join(cells)} | {'flat' if growth.flat else '**grows**'} |")
    return rows


def shown(name: str, value: float) -> str:
    """A figure with its unit."""
    return f"{value / 1e6:.1f} MB" if name == "rss_bytes" else f"{value:g}"
