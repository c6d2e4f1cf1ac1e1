"""MobileNetV3 large and small (Howard et al. 2019, arXiv:1905.02244, tables 1 and 2), with the minimalistic forms.

Parameter names are torchvision's. The width multiplier follows the released TF models (and timm): the last
1280 / 1024 layer is not scaled and the stem stays at 16 below a width of 0.75; ``scale_head=True`` scales the last
layer too, as torchvision's ``width_mult`` does. ``reduced_tail`` halves the last stage (paper, section 6.3 and 6.4).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from .blocks import Activation, ConvBNAct, SqueezeExcite, init_weights, make_divisible

# k = depthwise kernel, exp = expanded channels, out, se = squeeze-and-excitation, act (RE = ReLU, HS = hard-swish), s.
# The comment is the output size at a 224 x 224 input; the stem gives 112 x 112 x 16.
Row = tuple[int, int, int, bool, str, int]
TABLES: dict[str, list[Row]] = {
    "large": [
        # k, exp, out, se, act, s
        (3, 16, 16, False, "RE", 1),  # 112 x 112 x 16
        (3, 64, 24, False, "RE", 2),  # 56 x 56 x 24
        (3, 72, 24, False, "RE", 1),
        (5, 72, 40, True, "RE", 2),  # 28 x 28 x 40
        (5, 120, 40, True, "RE", 1),
        (5, 120, 40, True, "RE", 1),
        (3, 240, 80, False, "HS", 2),  # 14 x 14 x 80
        (3, 200, 80, False, "HS", 1),
        (3, 184, 80, False, "HS", 1),
        (3, 184, 80, False, "HS", 1),
        (3, 480, 112, True, "HS", 1),  # 14 x 14 x 112
        (3, 672, 112, True, "HS", 1),
        (5, 672, 160, True, "HS", 2),  # 7 x 7 x 160
        (5, 960, 160, True, "HS", 1),
        (5, 960, 160, True, "HS", 1),
    ],
    "small": [
        (3, 16, 16, True, "RE", 2),  # 56 x 56 x 16
        (3, 72, 24, False, "RE", 2),  # 28 x 28 x 24
        (3, 88, 24, False, "RE", 1),
        (5, 96, 40, True, "HS", 2),  # 14 x 14 x 40
        (5, 240, 40, True, "HS", 1),
        (5, 240, 40, True, "HS", 1),
        (5, 120, 48, True, "HS", 1),  # 14 x 14 x 48
        (5, 144, 48, True, "HS", 1),
        (5, 288, 96, True, "HS", 2),  # 7 x 7 x 96
        (5, 576, 96, True, "HS", 1),
        (5, 576, 96, True, "HS", 1),
    ],
}
LAST_CONV = {"large": 960, "small": 576}  # 7 x 7, the last convolution
HEAD = {"large": 1280, "small": 1024}
STEM = 16
BN_MOMENTUM = 0.01


def halve_tail(rows: list[Row]) -> list[Row]:
    """The table with the last stage's outputs, and the expansions that follow them, halved."""
    kernel, hidden, out, use_se, act, stride = rows[-3]
    last = [(k, h // 2, o // 2, se, a, s) for k, h, o, se, a, s in rows[-2:]]
    return [*rows[:-3], (kernel, hidden, out // 2, use_se, act, stride), *last]


class InvertedResidual(nn.Module):
    """1x1 expansion (if anything expands), depthwise, optional SE, linear 1x1 projection; identity where it fits."""

    def __init__(
        self,
        in_channels: int,
        hidden: int,
        out_channels: int,
        kernel: int,
        stride: int,
        use_se: bool,
        activation: Activation,
        bn_eps: float,
        *,
        tf_padding: bool,
    ) -> None:
        super().__init__()
        layer = partial(ConvBNAct, bn_eps=bn_eps, bn_momentum=BN_MOMENTUM)
        layers: list[nn.Module] = []
        if hidden != in_channels:
            layers.append(layer(in_channels, hidden, 1, activation=activation))
        depthwise = layer(hidden, hidden, kernel, stride, groups=hidden, activation=activation, tf_padding=tf_padding)
        layers.append(depthwise)
        if use_se:
            layers.append(SqueezeExcite(hidden, make_divisible(hidden // 4)))
        layers.append(layer(hidden, out_channels, 1, activation=None))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        out: Tensor = self.block(x)
        return x + out if self.residual else out


class MobileNetV3(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        size: ``"large"`` or ``"small"``.
        width: multiplier of the channel counts.
        minimalistic: 3x3 kernels, ReLU and no SE everywhere (the TF models of that name).
        scale_head: scale the last 1280 / 1024 layer by ``width`` too (torchvision's rule).
        reduced_tail: halve the channels of the last stage and the head, for detection and segmentation.
        num_classes: size of the output.
        dropout: probability before the classifier, in training only.
        bn_eps: BN epsilon; 1e-3 goes with torchvision's and TF's weights, 1e-5 with timm's own.
        tf_padding: pad as TF does at stride 2; H and W must then be multiples of 32.
    """

    def __init__(
        self,
        size: str,
        width: float = 1.0,
        minimalistic: bool = False,
        scale_head: bool = False,
        reduced_tail: bool = False,
        num_classes: int = 1000,
        dropout: float = 0.2,
        bn_eps: float = 1e-3,
        *,
        tf_padding: bool = False,
    ) -> None:
        super().__init__()
        swish: Activation = nn.ReLU if minimalistic else nn.Hardswish
        layer = partial(ConvBNAct, bn_eps=bn_eps, bn_momentum=BN_MOMENTUM)
        channels = STEM if width < 0.75 and not scale_head else make_divisible(STEM * width)
        layers: list[nn.Module] = [layer(3, channels, 3, 2, activation=swish, tf_padding=tf_padding)]
        base_in = STEM
        rows = halve_tail(TABLES[size]) if reduced_tail else TABLES[size]
        tail = 2 if reduced_tail else 1
        for kernel, base_hidden, base_out, use_se, act, stride in rows:
            out = make_divisible(base_out * width)
            # The released models expand the *scaled* input by the table's ratio; torchvision scales the product.
            ratio = base_hidden / base_in
            hidden = make_divisible(base_hidden * width) if scale_head else make_divisible(channels * ratio)
            layers.append(
                InvertedResidual(
                    channels,
                    hidden,
                    out,
                    3 if minimalistic else kernel,
                    stride,
                    use_se and not minimalistic,
                    swish if act == "HS" else nn.ReLU,
                    bn_eps,
                    tf_padding=tf_padding,
                )
            )
            channels, base_in = out, base_out
        last = 6 * channels if scale_head else make_divisible(LAST_CONV[size] // tail * width)
        layers.append(layer(channels, last, 1, activation=swish))
        head = make_divisible(HEAD[size] // tail * width) if scale_head else HEAD[size] // tail
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(last, head), swish(), nn.Dropout(dropout), nn.Linear(head, num_classes)
        )
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        scores: Tensor = self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))
        return scores


def mobilenet_v3(
    size: str,
    width: float = 1.0,
    minimalistic: bool = False,
    scale_head: bool = False,
    reduced_tail: bool = False,
    num_classes: int = 1000,
    *,
    tf_padding: bool = False,
    bn_eps: float = 1e-3,
) -> nn.Module:
    """MobileNetV3 of the given size and width, freshly initialised."""
    return MobileNetV3(
        size, width, minimalistic, scale_head, reduced_tail, num_classes, bn_eps=bn_eps, tf_padding=tf_padding
    )
