"""MobileNetV1 (Howard et al. 2017, arXiv:1704.04861, table 1): depthwise separable convolutions.

The last block has stride 1, as in every implementation; table 1 prints "s2" beside a 7 x 7 input and output. The
activation is the paper's ReLU; TF-slim's and timm's weights were trained with ReLU6. TF pads stride-2 convolutions at
the bottom and right only: ``tf_padding`` does so, exactly where every feature map that is halved has an even size.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from .blocks import Activation, ConvBNAct, init_weights
from .conventions import OF_TENSORFLOW

# out = output channels of the pointwise convolution, s = stride of the depthwise one; output at 224 x 224 input.
# The stem, a 3x3 convolution of stride 2, gives 112 x 112 x 32.
TABLE = [
    # out, s
    (64, 1),  # 112 x 112 x 64
    (128, 2),  # 56 x 56 x 128
    (128, 1),
    (256, 2),  # 28 x 28 x 256
    (256, 1),
    (512, 2),  # 14 x 14 x 512
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),  # 7 x 7 x 1024
    (1024, 1),
]
STEM = 32
MIN_CHANNELS = 8
ACTIVATIONS: dict[str, Activation] = {"relu": nn.ReLU, "relu6": nn.ReLU6}


class SeparableConv(nn.Module):
    """3x3 depthwise convolution, then 1x1, each with BN and activation (section 3.1)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        activation: Activation,
        *,
        tf_padding: bool,
        bn_eps: float,
    ) -> None:
        super().__init__()
        layer = partial(ConvBNAct, activation=activation, bn_eps=bn_eps)
        self.depthwise = layer(in_channels, in_channels, 3, stride, groups=in_channels, tf_padding=tf_padding)
        self.pointwise = layer(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        out: Tensor = self.pointwise(self.depthwise(x))
        return out


class MobileNetV1(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        width: multiplier of every channel count, rounded down, never below 8 (TF-slim's rule).
        activation: ``"relu"`` or ``"relu6"``.
        tf_padding: pad as TF does at stride 2; H and W must then be multiples of 32.
        bn_eps: BN epsilon; 1e-3 goes with TF's weights.
        num_classes: size of the output.
        dropout: probability before the classifier, in training only.
    """

    def __init__(
        self,
        width: float = 1.0,
        activation: str = "relu",
        *,
        tf_padding: bool = False,
        bn_eps: float = 1e-5,
        num_classes: int = 1000,
        dropout: float = 0.001,
    ) -> None:
        super().__init__()
        act = ACTIVATIONS[activation]
        channels = max(MIN_CHANNELS, int(STEM * width))
        self.stem = ConvBNAct(3, channels, 3, 2, activation=act, bn_eps=bn_eps, tf_padding=tf_padding)
        blocks = []
        for base, stride in TABLE:
            out = max(MIN_CHANNELS, int(base * width))
            blocks.append(SeparableConv(channels, out, stride, act, tf_padding=tf_padding, bn_eps=bn_eps))
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(channels, num_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        x = nn.functional.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1)
        scores: Tensor = self.classifier(self.dropout(torch.flatten(x, 1)))
        return scores

    def adopt(self, publisher: str) -> None:
        """Take the activation of ``publisher``'s weights: ReLU6 for timm's and TensorFlow's, else ReLU."""
        activation = ACTIVATIONS["relu6" if publisher in ("timm", *OF_TENSORFLOW) else "relu"]
        for module in list(self.modules()):
            for name, child in module.named_children():
                if isinstance(child, (nn.ReLU, nn.ReLU6)):
                    setattr(module, name, activation())


def mobilenet_v1(
    width: float = 1.0,
    activation: str = "relu",
    *,
    tf_padding: bool = False,
    bn_eps: float = 1e-5,
    num_classes: int = 1000,
) -> nn.Module:
    """MobileNetV1 at the given width, freshly initialised."""
    return MobileNetV1(width, activation, tf_padding=tf_padding, bn_eps=bn_eps, num_classes=num_classes)
