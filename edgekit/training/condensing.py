"""The interface between the loop and a network that condenses while it trains (CondenseNet, arXiv:1711.09224, section
4).

Protocols: the network itself belongs to the zoo.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..types import Frozen

if TYPE_CHECKING:
    from torch import Tensor, nn


class LearnedGroups(Protocol):
    """A 1x1 convolution that drops inputs of its filter groups in stages."""

    conv: nn.Conv2d

    @property
    def stage(self) -> int:
        """Stages whose inputs have been dropped."""
        ...

    def survivors(self) -> Tensor:
        """``(G, in)`` bool: which inputs each group still uses."""
        ...


@runtime_checkable
class Condensing(Protocol):
    """A network with learned group convolutions."""

    def set_progress(self, progress: float) -> int:
        """Drop what the schedule drops at a share of the training done; the number of layers that dropped inputs."""
        ...

    def learned_groups(self) -> Mapping[str, LearnedGroups]:
        """Its learned group convolutions by name; empty when it is condensed already."""
        ...

    def lasso(self) -> Tensor:
        """The group-lasso term, a scalar."""
        ...


class Survivors(Frozen):
    """Connections (weights not masked) that learned group convolutions still have.

    Attributes:
        stage: the lowest of any layer; C - 1 when all is dropped.
        layers: connections by layer.
        inputs: inputs that every group of a layer still uses, by layer.
        connections: over all layers.
        total: what it was before the first stage.
    """

    stage: int
    layers: dict[str, int]
    inputs: dict[str, int]
    connections: int
    total: int


def condensing_part(network: nn.Module) -> Condensing | None:
    """``network`` itself when it has inputs to drop, else None."""
    return network if isinstance(network, Condensing) and network.learned_groups() else None


def survivors(network: Condensing) -> Survivors:
    """The connections that are left in every learned group convolution of ``network``."""
    layers, inputs, total = {}, {}, 0
    groups = network.learned_groups()
    for name, layer in groups.items():
        alive = layer.survivors()
        filters = layer.conv.out_channels // len(alive)
        layers[name] = int(alive.sum()) * filters
        inputs[name] = int(alive.sum(1).max())
        total += alive.numel() * filters
    stage = min(layer.stage for layer in groups.values())
    return Survivors(stage=stage, layers=layers, inputs=inputs, connections=sum(layers.values()), total=total)
