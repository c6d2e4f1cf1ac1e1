"""The parts of an int8 artifact that stay in float or have two scales, because plain int8 loses too much."""

from __future__ import annotations

from .base import Frozen
from .tuning import Ratio


class FloatStep(Frozen):
    """One step: an artifact that was made and measured.

    Attributes:
        added: paths of the layers that it keeps in float and the one before it did not.
        two_scales: paths of the depthwise convolutions whose input it stores in two tensors, and the one before not.
        layers: how many convolutions and linear layers it keeps in float because of the budget.
        macs_share: their share of the network's multiply-accumulates.
        sqnr_db: of its scores on the parity images.
        failures: the criteria that it missed, in words; none for the last step of an artifact that was kept.
    """

    added: tuple[str, ...]
    two_scales: tuple[str, ...] = ()
    layers: int
    macs_share: float
    sqnr_db: float
    failures: tuple[str, ...] = ()


class FloatCost(Frozen):
    """CPU time of an inference where the artifact was exported, on one thread, in pairs of runs in one process.

    Attributes:
        without: that of int8 with nothing added over that of the artifact: below 1 = what was added costs time.
        float32: that of the network in float32 over that of the artifact: below 1 = int8 is slower.
    """

    without: Ratio
    float32: Ratio


class SelectiveFloat(Frozen):
    """How these were chosen.

    Attributes:
        budget_db: the SQNR that was asked for.
        aimed: it is what the profile aims at, and no bound: missing it is no failure.
        cost: what they take in time; None where nothing was added, and where it could not be timed, as the artifact is
            for another class of CPU than the exporting machine's.
    """

    budget_db: float
    aimed: bool = False
    steps: tuple[FloatStep, ...]
    cost: FloatCost | None = None
