"""The elements that a network's operations move and the MACs that they compute, for advice on its shape."""

from __future__ import annotations

from ..base import Frozen


class ConvFacts(Frozen):
    """A convolution in one forward at batch 1; elements, not bytes."""

    name: str
    in_channels: int
    out_channels: int
    kernel: int
    groups: int
    stride: int
    positions: int
    macs: int
    memory_access: int

    @property
    def depthwise(self) -> bool:
        """True when every channel is on its own."""
        return self.groups > 1 and self.groups == self.in_channels


class ElementFacts(Frozen):
    """An element-wise operation in one forward at batch 1.

    Attributes:
        layer: path of the module in which it runs; empty for the network itself.
        kind: as in ``NetworkFacts.element_wise``.
        elements: that it reads and writes.
    """

    layer: str
    kind: str
    elements: int


class NetworkFacts(Frozen):
    """The convolutions of a network in order, and the elements that element-wise operations read and write.

    Attributes:
        element_wise: by operation: activations, additions and multiplications of tensors; BN is folded and not counted.
        element_layers: the same, one by one in order; empty where nobody looked.
    """

    convolutions: tuple[ConvFacts, ...]
    element_wise: dict[str, int]
    element_layers: tuple[ElementFacts, ...] = ()

    @property
    def moved(self) -> int:
        """Elements that convolutions and element-wise operations read and write."""
        return sum(conv.memory_access for conv in self.convolutions) + sum(self.element_wise.values())
