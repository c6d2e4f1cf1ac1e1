"""MnasNet's reward (arXiv:1807.11626, section 3): accuracy and latency in one figure, by a soft or a hard limit."""

from __future__ import annotations

from typing import Literal

from .pareto import SOFT

Limit = Literal["soft", "hard"]
HARD = -1.0
"""The paper's beta of a hard limit; alpha is 0: within the limit, faster is no better."""


def reward(accuracy: float, cost: float, target: float, limit: Limit) -> float:
    """``accuracy * (cost / target) ** w``, w as in the paper: equation 2 with figure 3's two settings.

    Args:
        accuracy: percent.
        cost: latency, or whatever stands for it.
        target: T, in the same unit, above 0.
        limit: ``soft``: w is -0.07 on both sides; ``hard``: 0 up to the target, -1 beyond.
    """
    if limit == "soft":
        return accuracy * float((cost / target) ** SOFT)
    return accuracy if cost <= target else accuracy * float((cost / target) ** HARD)
