"""The first place where a network is not finite is named."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.errors import UsageError
from edgekit.verify.finite import check_weights, finite_outputs


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU6(), nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    ).eval()


def test_first_bad_tensor_is_named():
    net = network()
    check_weights(net)
    net[1].running_var[2] = float("inf")
    with pytest.raises(UsageError, match=r"buffer 1.running_var holds 1 of 4 values"):
        check_weights(net)
    net[3][1].weight.data[:, :3] = float("nan")
    with pytest.raises(UsageError, match=r"parameter 3.1.weight holds 6 of 32 values"):
        check_weights(net)


def test_outputs_are_the_networks_own():
    net, images = network(), torch.rand(37, 3, 2, 2)
    with torch.no_grad():
        assert torch.allclose(finite_outputs(net, images, "parity"), net(images))
    assert not net._forward_hooks


def test_overflow_that_an_activation_hides_is_found():
    net, images = network(), torch.rand(37, 3, 2, 2)
    images[30] = 3e38
    with torch.no_grad():
        net[0].weight.fill_(2)
        assert torch.isfinite(net(images)).all()  # ReLU6 clips it
    with pytest.raises(UsageError, match=r"layer 0 \(Conv2d\) is not finite for calibration image 31 of 37"):
        finite_outputs(net, images, "calibration")
    assert not net[0]._forward_hooks


def test_values_whose_sum_overflows_are_finite():
    net, images = network(), torch.rand(5, 3, 2, 2)
    with torch.no_grad():
        net[0].weight.fill_(1e38)
    assert torch.isfinite(finite_outputs(net, images, "parity")).all()
