"""MobileNetV1's options: TF's padding and the activation."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from edgekit.zoo.mobilenet_v1 import HalvingConv, mobilenet_v1


def test_tf_padding_is_below_and_to_the_right() -> None:
    layer = HalvingConv(1, 1, 1, nn.ReLU).eval()
    with torch.no_grad():
        layer[0].weight.fill_(1.0)
        out = layer(torch.ones(1, 1, 4, 4))
    # TF "SAME" on an even size at stride 2: the first window is whole, the last is cut.
    torch.testing.assert_close(out[0, 0], torch.tensor([[9.0, 6.0], [6.0, 4.0]]) / (1 + 1e-5) ** 0.5)


def test_tf_padding_changes_outputs_but_neither_names_nor_shapes(enliven: Any) -> None:
    symmetric, tf = enliven(mobilenet_v1(0.25)), mobilenet_v1(0.25, tf_padding=True).eval()
    tf.load_state_dict(symmetric.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert symmetric.blocks(symmetric.stem(x)).shape == tf.blocks(tf.stem(x)).shape
        assert not torch.allclose(symmetric(x), tf(x))


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
