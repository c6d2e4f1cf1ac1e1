"""What a network's operations move and compute, for advice on its shape."""

from __future__ import annotations

from .base import Frozen


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


class NetworkFacts(Frozen):
    """The convolutions of a network in order, and the elements that element-wise operations read and write.

    Attributes:
        element_wise: by operation: activations, additions and multiplications of tensors; BN is folded and not counted.
    """

    convolutions: tuple[ConvFacts, ...]
    element_wise: dict[str, int]
