"""The peak rates of a machine, and how near a network's latency comes to them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Frozen, Precision


class LayerLoad(Frozen):
    """The cost of one layer, independent of the precision.

    Attributes:
        macs: multiply-accumulates of one inference of one image.
        elements: read and written: input, output and weight.
        weights: those of the weight, which is read once for all images of a batch.
    """

    name: str
    macs: int
    elements: int
    weights: int = 0

    def of_batch(self, images: int) -> LayerLoad:
        """The costs of one inference of this many images."""
        moved = images * (self.elements - self.weights) + self.weights
        return self.model_copy(update={"macs": images * self.macs, "elements": moved})


class Bandwidth(Frozen):
    """Bytes per second, read and written, for repeated passes over ``footprint_bytes``."""

    footprint_bytes: int
    bytes_per_s: float


class Ceilings(Frozen):
    """The peak rates of a machine with ``threads`` threads.

    Attributes:
        macs_per_s: by precision; none for a precision whose arithmetic is not known of this CPU.
        sources: how each of these was found, in words that begin with ``measured`` or ``nominal``.
        bandwidth: by rising footprint, measured; caches make the small ones fast.
    """

    threads: int
    macs_per_s: dict[Precision, float]
    sources: dict[Precision, str]
    bandwidth: tuple[Bandwidth, ...] = Field(min_length=1)


class Roofline(Frozen):
    """One network against one machine: T >= sum over the layers of max(MACs / P, bytes / BW).

    Attributes:
        bytes_moved: inputs, outputs and weights of all layers at the precision.
        compute_ns: of the MACs alone, at the peak.
        bound_ns: no inference can be faster, if every layer goes through memory or the cache that holds it.
        memory_share: of ``bound_ns`` in layers whose bytes take longer than their MACs.
        latency_ns: measured.
    """

    precision: Precision
    macs: int
    bytes_moved: int
    compute_ns: float
    bound_ns: float
    memory_share: float
    latency_ns: float

    @property
    def binds(self) -> Literal["compute", "memory"]:
        """The resource that most of the bound is made of."""
        return "memory" if self.memory_share > 0.5 else "compute"

    @property
    def gmacs_per_s(self) -> float:
        """10^9 MACs a second, as measured."""
        return self.macs / self.latency_ns

    @property
    def compute_share(self) -> float:
        """Of the compute peak, 0 to 1."""
        return self.compute_ns / self.latency_ns

    @property
    def roofline_share(self) -> float:
        """Of the bound, 0 to 1: 1 means that nothing is left to gain with these layers."""
        return self.bound_ns / self.latency_ns
