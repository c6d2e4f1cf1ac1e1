"""Faults that are put into an artifact on purpose, and whether the gate by counts finds them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.artifacts.store import read_manifest
from edgekit.counting.count import count
from edgekit.counting.emulator import Ready
from edgekit.gate.counts import TOLERANCE, judge
from edgekit.reports.counted.words import grown
from edgekit.types import Counted, Stored

from .transpose import with_transpose

FINE = 1e-4
"""The tolerance that finds a small transpose."""


def delegate_off(stored: Stored, ready: Ready) -> Counted:
    """LiteRT without XNNPACK."""
    return count(stored, ready, no_delegate=True)


def found(name: str, before: Counted, after: Counted) -> dict[str, Any]:
    """How the gate ends with a fault, at the usual tolerance and at the fine one, and what it names."""
    return {
        "fault": name,
        "model": before.model,
        "profile": before.profile,
        "device": before.device.id,
        "instructions": after.counts.instructions / before.counts.instructions - 1,
        "cycles": after.estimate.cycles / before.estimate.cycles - 1,
        "usual": judge(before, after, TOLERANCE).status,
        "fine": judge(before, after, FINE).status,
        "named": grown(before, after)[:3],
    }


def all_faults(
    artifact: Path, others: Sequence[tuple[str, Path, Path]], ready: Ready, scratch: Path
) -> list[dict[str, Any]]:
    """Every fault.

    Args:
        artifact: a TFLite artifact, which loses its delegate and gets a transpose.
        others: name of a fault, the good artifact, and the one that has it.
        ready: the board.
        scratch: for artifacts that are made here.
    """
    stored = read_manifest(artifact)
    good = count(stored, ready)
    rows = [
        found("XNNPACK off", good, delegate_off(stored, ready)),
        found("a transpose and its inverse before the classifier", good, count(with_transpose(stored, scratch), ready)),
    ]
    for name, before, after in others:
        rows.append(found(name, count(read_manifest(before), ready), count(read_manifest(after), ready)))
    return rows
