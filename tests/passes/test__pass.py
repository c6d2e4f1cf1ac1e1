"""What every rewrite shares."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.passes._pass import conv_like


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_like_another(bias):
    conv = nn.Conv2d(8, 12, (3, 5), (2, 1), (1, 2), (1, 2), 4, bias, "circular", dtype=torch.float64)
    same = conv_like(conv)
    assert repr(same) == repr(conv)
    assert same.weight.dtype is torch.float64
    assert same.weight.data_ptr() != conv.weight.data_ptr()
    other = conv_like(conv, in_channels=6, out_channels=4, groups=2, bias=not bias)
    assert (other.in_channels, other.out_channels, other.groups, other.bias is None) == (6, 4, 2, bias)
    assert (other.stride, other.padding, other.dilation, other.padding_mode) == ((2, 1), (1, 2), (1, 2), "circular")
