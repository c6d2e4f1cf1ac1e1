"""Divide a tensor's channels among two scales: few channels have large values, most need finer steps."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, fx

from .simulation import ChannelRanges, Runner

MULTIPLE = 8
"""Channels of a set come in these, as vector instructions take them."""

OWN = 2 / 3
"""Weight of a channel's own range where NNCF gives each a scale; the rest is the tensor's (``openvino.observed``)."""


def channel_ranges(runner: Runner, inputs: Tensor, wanted: Collection[fx.Node]) -> dict[fx.Node, ChannelRanges]:
    """Smallest and largest value of every channel of some tensors over all inputs."""
    found = {}
    with torch.no_grad():
        for node, values in runner.walk(inputs):
            if node in wanted:
                over = [dim for dim in range(values[node].dim()) if dim != 1]
                found[node] = (values[node].amin(over), values[node].amax(over))
    return found


def two_sets(ranges: ChannelRanges) -> tuple[list[int], list[int]] | None:
    """The channels of small range and those of large, cut where the squared steps add up to least; None for few."""
    reach = ranges[1].clamp(min=0) - ranges[0].clamp(max=0)
    order = reach.argsort(stable=True)
    ordered = reach[order].double()
    cuts = range(MULTIPLE, len(reach), MULTIPLE)
    if not cuts:
        return None
    cut = min(cuts, key=lambda at: float(at * ordered[at - 1] ** 2 + (len(reach) - at) * ordered[-1] ** 2))
    return sorted(order[:cut].tolist()), sorted(order[cut:].tolist())


def shared(ranges: ChannelRanges, sets: Collection[list[int]]) -> ChannelRanges:
    """The range that every channel has where those of a set share one."""
    low, high = ranges[0].clone(), ranges[1].clone()
    for channels in sets:
        low[channels], high[channels] = low[channels].min(), high[channels].max()
    return low, high


def own_scales(ranges: ChannelRanges) -> ChannelRanges:
    """The ranges of a tensor with a scale for every channel: between its own and the tensor's."""
    low, high = ranges[0].clamp(max=0), ranges[1].clamp(min=0)
    return -((-low) ** OWN * (-low.min()) ** (1 - OWN)), high**OWN * high.max() ** (1 - OWN)
