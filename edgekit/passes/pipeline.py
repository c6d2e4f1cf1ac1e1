"""Apply a profile's rewrites in order and say what each changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import fx, nn

from ..errors import UsageError, did_you_mean
from ..types import Rewrite
from .fold_batch_norm import fold_batch_norm
from .split_hard_swish import split_hard_swish

PASSES: dict[str, Callable[[fx.GraphModule], int]] = {
    "fold_batch_norm": fold_batch_norm,
    "split_hard_swish": split_hard_swish,
}


def apply_rewrites(network: nn.Module, names: Iterable[str]) -> tuple[fx.GraphModule, tuple[Rewrite, ...]]:
    """A rewritten copy of ``network`` (eval mode) and a record per pass.

    Raises:
        UsageError: a profile names an unknown pass.
    """
    traced = fx.symbolic_trace(network)
    done = []
    for name in names:
        if name not in PASSES:
            raise UsageError(f"unknown rewrite {name!r}", did_you_mean(name, PASSES))
        done.append(Rewrite(name=name, count=PASSES[name](traced)))
    return traced.eval(), tuple(done)
