"""Is the top-1 that an artifact loses within a limit? Proven within, proven beyond, or not to be told.

The interval of the drop is that of paired proportions on the same images (Newcombe 1998, Statistics in Medicine 17:
2635-2650, method 10), 95 %: so each of the two proofs errs in 2.5 % of the cases, at most.
"""

from __future__ import annotations

import math

from ..types import DropVerdict, PairedDrop
from .accuracy import newcombe

MOST_IMAGES = 10_000_000
"""More than anybody evaluates on: a drop that needs more lies at the limit."""
GROWTH = 2**0.125


def judge_drop(drop: PairedDrop, max_drop: float) -> DropVerdict:
    """The verdict on a drop.

    Args:
        drop: top-1 lost on the same images.
        max_drop: the limit, in points.
    """
    limit = max_drop / 100
    between = f"{100 * drop.low:+.2f} to {100 * drop.high:+.2f} points"
    if drop.high <= limit:
        return DropVerdict(max_drop=max_drop, status="PASS", reason=f"within {max_drop:g} points is proven: {between}")
    if drop.low > limit:
        return DropVerdict(max_drop=max_drop, status="FAIL", reason=f"beyond {max_drop:g} points is proven: {between}")
    needed = images_needed(drop, limit)
    more = (
        f"more than {MOST_IMAGES:,} images would be needed: the drop lies at the limit"
        if needed is None
        else f"about {needed:,} images would tell, if the rates stay as they are"
    )
    reason = f"neither within nor beyond {max_drop:g} points is proven: {between}; {more}"
    return DropVerdict(max_drop=max_drop, status="INCONCLUSIVE", reason=reason, images_needed=needed)


def images_needed(drop: PairedDrop, limit: float) -> int | None:
    """The number of images, to two digits, at which the same rates would prove the one or the other.

    Args:
        drop: as observed.
        limit: as a share.
    """
    counts = (drop.both, drop.reference_only, drop.subject_only, drop.neither)
    total = sum(counts)
    images = float(total)
    while images <= MOST_IMAGES:
        low, high = newcombe(*(round(count * images / total) for count in counts))
        if high <= limit or low > limit:
            scale: int = 10 ** max(0, math.floor(math.log10(images)) - 1)
            return math.ceil(images / scale) * scale
        images *= GROWTH
    return None
