"""MobileNetV1's activation."""

from __future__ import annotations

from torch import nn

from edgekit.zoo.mobilenet_v1 import mobilenet_v1


def test_activation_is_a_choice() -> None:
    def kinds(network: nn.Module) -> set[type]:
        return {type(m) for m in network.modules() if isinstance(m, (nn.ReLU, nn.ReLU6))}

    network = mobilenet_v1(0.25)
    assert kinds(network) == {nn.ReLU}
    assert kinds(mobilenet_v1(0.25, "relu6")) == {nn.ReLU6}
    network.adopt("timm")
    assert kinds(network) == {nn.ReLU6}
    network.adopt("pytorchcv")
    assert kinds(network) == {nn.ReLU}
