"""Running statistics in short trainings."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.training.running_statistics import START, keep_pace


def test_slow_statistics_forget_their_start_within_an_epoch() -> None:
    slow, fast, cumulative = nn.BatchNorm2d(2, momentum=0.0003), nn.BatchNorm2d(2), nn.BatchNorm2d(2, momentum=None)
    assert keep_pace(nn.Sequential(slow, fast, cumulative), 60) == 1
    assert (fast.momentum, cumulative.momentum) == (0.1, None)
    torch.manual_seed(0)
    for _ in range(60):
        slow(5 + 3 * torch.randn(16, 2, 4, 4))
    assert slow.running_mean is not None
    assert slow.running_var is not None
    assert slow.running_mean.tolist() == pytest.approx([5, 5], abs=5 * START + 0.3)
    assert slow.running_var.tolist() == pytest.approx([9, 9], rel=0.1)


def test_a_momentum_that_is_fast_enough_stays() -> None:
    norm = nn.BatchNorm2d(2, momentum=0.0003)
    assert keep_pace(norm, 300_000) == 0
    assert norm.momentum == 0.0003
