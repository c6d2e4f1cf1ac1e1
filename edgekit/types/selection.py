"""Layers that were left in float because int8 alone loses too much."""

from __future__ import annotations

from .base import Frozen


class FloatStep(Frozen):
    """One artifact that was made and measured.

    Attributes:
        added: paths of the layers that it keeps in float and the one before it did not.
        layers: how many convolutions and linear layers it keeps in float because of the budget.
        macs_share: their share of the network's multiply-accumulates.
        sqnr_db: of its scores on the parity images.
        failures: the criteria that it missed, in words; none for the last step of an artifact that was kept.
    """

    added: tuple[str, ...]
    layers: int
    macs_share: float
    sqnr_db: float
    failures: tuple[str, ...] = ()


class SelectiveFloat(Frozen):
    """How the layers were chosen; ``budget_db`` is the SQNR that was asked for."""

    budget_db: float
    steps: tuple[FloatStep, ...]
