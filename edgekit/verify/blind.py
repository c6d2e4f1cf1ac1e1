"""Networks whose scores do not depend on the image: agreement with them proves nothing."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..errors import UsageError
from .watch import watched

EQUAL = 1e-6
"""Differences below this share of the largest value are rounding."""
HINT = "check the checkpoint: it may be untrained, of a training that failed, or saved without its head"


def check_sight(network: nn.Module, images: Tensor, outputs: Tensor) -> None:
    """Make sure that the scores differ between images, and between classes.

    Args:
        network: in eval mode, one that gave ``outputs``.
        images: ``(N, C, H, W)``, normalised; one image, or one many times, tells nothing.
        outputs: ``(N, classes)``.

    Raises:
        UsageError: they do not; the message names the head where it is to blame, or the first layer that is blind.
    """
    if outputs.shape[1] > 1 and not varies(outputs.T):
        raise UsageError(
            f"every class has the same score, on all of {len(outputs)} images: {head_text(network)}".rstrip(": "), HINT
        )
    if len(images) < 2 or not varies(images) or varies(outputs):
        return
    why = head_text(network) or first_blind(network, images)
    raise UsageError(f"the scores are the same for all of {len(images)} images, whatever they show: {why}", HINT)


def varies(rows: Tensor) -> bool:
    """True when the rows are not all the same but for rounding."""
    spread = (rows.amax(0) - rows.amin(0)).max()
    return bool(spread > EQUAL * rows.abs().max())


def head_text(network: nn.Module) -> str:
    """What is wrong with the last layer: all of its weights are one value; empty where they are not."""
    layers = [(n, m) for n, m in network.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    name, head = layers[-1]
    low, high = float(head.weight.min()), float(head.weight.max())
    return f"all weights of its head {name} are {low:g}" if low == high else ""


def first_blind(network: nn.Module, images: Tensor) -> str:
    """The first layer whose output is the same for all images."""
    found: list[str] = []

    def look(name: str, module: nn.Module, output: Any) -> None:
        if not found and isinstance(output, Tensor) and len(output) == len(images) and not varies(output):
            found.append(f"the output of layer {name} ({type(module).__name__}) does not depend on them")

    with watched(network, look):
        network(images)
    return found[0] if found else "the differences cancel out in its head"
