"""Which layer a tensor of an artifact belongs to, and how far it is from the layer's result in float.

Names narrow it down to a layer and what runtimes fuse with it; which of them a tensor holds is told by its values: that
of a convolution with its ReLU inside is nearest to the ReLU's result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .parity import EXACT_DB
from .taps import Tap, Values

Results = Mapping[str, Values]
"""What each layer makes of one image, by its name."""


@dataclass
class Noise:
    """Energy of a layer's result and of the artifact's error, over the images seen so far."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, reference: Values, values: Values) -> None:
        """Count one image."""
        exact = reference.astype(np.float64)
        self.signal += float((exact**2).sum())
        self.noise += float(((exact - values) ** 2).sum())

    @property
    def db(self) -> float:
        """``10 log10(signal / noise)``, within ``EXACT_DB`` of 0."""
        if self.noise == 0.0:
            return EXACT_DB
        return float(np.clip(10 * np.log10(max(self.signal, 1e-300) / self.noise), -EXACT_DB, EXACT_DB))


def match(
    taps: Sequence[Tap], values: Sequence[Values], reference: Results, fused_with: Mapping[str, str]
) -> dict[str, int]:
    """For every layer that has a tensor of its own, the index of the tap.

    Args:
        taps: in the order of execution.
        values: of the taps, for one image.
        reference: what the layers make of the same image.
        fused_with: for a layer, the activation that a runtime may compute inside it.
    """
    found: dict[str, int] = {}
    for index, (tap, value) in enumerate(zip(taps, values, strict=True)):
        names = set(tap.owners) | {fused_with[name] for name in tap.owners if name in fused_with}
        fits = {name: fitted for name in names if (fitted := shaped(value, reference[name])) is not None}
        if fits:
            nearest = max(sorted(fits), key=lambda name: distance(reference[name], fits[name]))
            found[nearest] = index  # the last operator of a layer is the one that makes its result
    return found


def distance(reference: Values, values: Values) -> float:
    """The SQNR of one tensor, dB."""
    seen = Noise()
    seen.add(reference, values)
    return seen.db


def shaped(values: Values, reference: Values) -> Values | None:
    """The values in the shape of the reference; None where they are not the same elements in the same order."""
    if values.shape == reference.shape:
        return values
    # Runtimes drop and add dimensions of size 1; anything else may be another order.
    if [d for d in values.shape if d > 1] == [d for d in reference.shape if d > 1]:
        return values.reshape(reference.shape)
    return None
