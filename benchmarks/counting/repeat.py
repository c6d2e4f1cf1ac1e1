"""How far counts repeat in fresh processes, and what the gate makes of an artifact against itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.counting.count import count
from edgekit.counting.emulator import Ready
from edgekit.gate.counts import TOLERANCE, judge
from edgekit.types import Counted, Stored


def repeated(stored: Stored, ready: Ready, processes: int) -> list[Counted]:
    """An artifact counted in so many fresh processes, two after each other being one's first and second."""
    found = [count(stored, ready, repeat=False) for _ in range(processes)]
    return [
        one.model_copy(update={"repeat": other.counts})
        for one, other in zip(found, [*found[1:], found[0]], strict=True)
    ]


def spread(found: Sequence[Counted]) -> dict[str, Any]:
    """Largest minus smallest over the smallest, of instructions and of estimated cycles."""
    instructions = [one.counts.instructions for one in found]
    cycles = [one.estimate.cycles for one in found]
    return {
        "model": found[0].model,
        "profile": found[0].profile,
        "device": found[0].device.id,
        "runtime": f"{found[0].runtime} {found[0].runtime_version}",
        "processes": len(found),
        "instructions": instructions,
        "spread": (max(instructions) - min(instructions)) / min(instructions),
        "cycles_spread": (max(cycles) - min(cycles)) / min(cycles),
        "seconds_each": sum(one.seconds for one in found) / len(found),
    }


def against_itself(found: Sequence[Counted], tolerances: Sequence[float] = (TOLERANCE, 1e-4)) -> dict[str, Any]:
    """Every process as the baseline of every other: how the gate ends at each tolerance."""
    pairs = [(a, b) for a in found for b in found if a is not b]
    ends: dict[str, dict[str, int]] = {}
    for tolerance in tolerances:
        statuses = [judge(a, b, tolerance).status for a, b in pairs]
        ends[f"{tolerance:g}"] = {status: statuses.count(status) for status in sorted(set(statuses))}
    return {"gates": len(pairs), "ends": ends}


def add_repeats(figures: dict[str, Any], counted: Sequence[Sequence[Counted]]) -> None:
    """Put artifacts into the figures, in the place of what was known of the same; other artifacts stay."""
    rows = list(zip(figures.get("repeat", []), figures.get("itself", []), strict=True))
    for found in counted:
        row = spread(found)
        rows = [one for one in rows if subject(one[0]) != subject(row)] + [(row, against_itself(found))]
    figures["repeat"], figures["itself"] = [row for row, _ in rows], [gates for _, gates in rows]


def subject(row: dict[str, Any]) -> tuple[str, ...]:
    """What was counted, and where."""
    return row["model"], row["profile"], row["device"]
