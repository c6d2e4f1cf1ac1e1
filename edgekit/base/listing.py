"""How many there are of each kind, in words."""

from __future__ import annotations

from collections.abc import Mapping


def listing(counts: Mapping[str, int]) -> str:
    """``21 HardSwish, 8 HardSigmoid``, in the order given."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())
