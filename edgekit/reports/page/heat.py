"""Devices against networks: the fastest artifact of each pair, emulated devices left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..summary import Group, Row
from ..table import milliseconds

STEPS = 6
"""Shades, from the fastest to the slowest."""


@dataclass(frozen=True)
class Cell:
    """The fastest measurement of a network on a device; ``step`` is its shade, 0 for the fastest of the map."""

    row: Row
    step: int
    text: str


@dataclass(frozen=True)
class HeatMap:
    """One line per network and precision, one column per device; None where nothing was measured."""

    devices: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[Cell | None, ...]], ...]


def heat_map(groups: Sequence[Group]) -> HeatMap | None:
    """The map of all devices that are not emulated, or None when there are fewer than two."""
    real = [group for group in groups if not group.emulated]
    if len(real) < 2:
        return None
    best: dict[tuple[str, str], dict[str, Row]] = {}
    for group in real:
        for row in group.rows:
            m = row.measurement
            line = best.setdefault((m.model, m.precision), {})
            known = line.get(group.device)
            if known is None or m.p50_ms < known.measurement.p50_ms:
                line[group.device] = row
    every = [math.log(row.measurement.p50_ms) for line in best.values() for row in line.values()]
    low, width = min(every), (max(every) - min(every)) or 1.0
    devices = tuple(group.device for group in real)

    def cell(row: Row | None) -> Cell | None:
        if row is None:
            return None
        share = (math.log(row.measurement.p50_ms) - low) / width
        return Cell(row, min(STEPS - 1, int(share * STEPS)), milliseconds(row.measurement.p50_ms))

    return HeatMap(
        devices,
        tuple(
            (model, precision, tuple(cell(line.get(device)) for device in devices))
            for (model, precision), line in sorted(best.items())
        ),
    )
