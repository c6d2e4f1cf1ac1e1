"""Merge neighbouring groups of a convolution until each has whole vectors of channels, as GPU delegates need.

GPUs keep channels in vectors of four. LiteRT 2.3's GPU accelerator takes a group convolution of any width, but where a
group's inputs or outputs are no multiple of four it crashes, or has commands refused and computes nothing. Merging
``n`` groups costs ``n`` times the convolution's MACs, on zeros: two for groups of two channels, whatever their number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._pass import rewrite
from .densify_group_conv import merge

if TYPE_CHECKING:
    from torch import fx, nn

VECTOR = 4


@rewrite
def align_groups(graph_module: fx.GraphModule) -> int:
    """Rewrite in place; returns how many convolutions got fewer groups."""
    changed = merge(graph_module, lambda _, conv: fewest(conv))
    return len(changed)


def fewest(conv: nn.Conv2d) -> int:
    """The least number of groups to merge: 1 when they are aligned, all where nothing less is (one group is none)."""
    groups, inputs, outputs = conv.groups, conv.in_channels // conv.groups, conv.out_channels // conv.groups
    fits = (n for n in range(1, groups) if groups % n == 0 and n * inputs % VECTOR == 0 and n * outputs % VECTOR == 0)
    return next(fits, groups)
