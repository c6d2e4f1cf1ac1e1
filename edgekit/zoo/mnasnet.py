"""MnasNet B1, A1 and small (Tan et al. 2019, arXiv:1807.11626, figure 7; B1 and small from the authors' code).

Parameter names are torchvision's (which has B1 only). The squeeze-and-excitation of A1 and small is a quarter of the
block's *input* channels, with a plain sigmoid gate, unlike MobileNetV3's. The last 1x1 convolution has 1280 channels
at every width; the stem and the first separable convolution are scaled (torchvision's checkpoint version 2).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from ..types.networks.stacks import Stack, read_stacks
from .blocks import SqueezeExcite, init_weights, make_divisible, pad_as_tf

# t = expansion, k = kernel, c = output channels, n = repeats, s = stride of the first repeat, se = squeeze-and-
# excitation. The comment is the output size at a 224 x 224 input; the stem gives 112 x 112.
Row = tuple[int, int, int, int, int, bool]
TABLES: dict[str, tuple[int, int, list[Row]]] = {
    # stem channels, channels of the first separable convolution, stacks
    "b1": (
        32,
        16,  # 112 x 112 x 16
        [
            # t, k, c, n, s, se
            (3, 3, 24, 3, 2, False),  # 56 x 56 x 24
            (3, 5, 40, 3, 2, False),  # 28 x 28 x 40
            (6, 5, 80, 3, 2, False),  # 14 x 14 x 80
            (6, 3, 96, 2, 1, False),  # 14 x 14 x 96
            (6, 5, 192, 4, 2, False),  # 7 x 7 x 192
            (6, 3, 320, 1, 1, False),  # 7 x 7 x 320
        ],
    ),
    "a1": (
        32,
        16,  # 112 x 112 x 16
        [
            (6, 3, 24, 2, 2, False),  # 56 x 56 x 24
            (3, 5, 40, 3, 2, True),  # 28 x 28 x 40
            (6, 3, 80, 4, 2, False),  # 14 x 14 x 80
            (6, 3, 112, 2, 1, True),  # 14 x 14 x 112
            (6, 5, 160, 3, 2, True),  # 7 x 7 x 160
            (6, 3, 320, 1, 1, False),  # 7 x 7 x 320
        ],
    ),
    "small": (
        8,
        8,  # 112 x 112 x 8
        [
            (3, 3, 16, 1, 2, False),  # 56 x 56 x 16
            (6, 3, 16, 2, 2, False),  # 28 x 28 x 16
            (6, 5, 32, 4, 2, True),  # 14 x 14 x 32
            (6, 3, 32, 3, 1, True),  # 14 x 14 x 32
            (6, 5, 88, 3, 2, True),  # 7 x 7 x 88
            (6, 3, 144, 1, 1, False),  # 7 x 7 x 144
        ],
    ),
}
LAST = 1280
SEARCHED = "blocks"
"""The version whose blocks the card tells itself, as ``edgekit search`` writes it."""
BN_MOMENTUM = 0.0003  # torchvision: 1 minus TF's decay of 0.9997


def conv_bn(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    *,
    padded: bool = True,
    bn_eps: float = 1e-5,
) -> list[nn.Module]:
    """Convolution without bias and its BN, as two layers of the caller's sequence (torchvision's flat numbering)."""
    padding = kernel // 2 if padded else 0
    return [
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels, eps=bn_eps, momentum=BN_MOMENTUM),
    ]


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise, optional SE, linear 1x1 projection; identity at stride 1 with equal channels."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int,
        expansion: int,
        *,
        use_se: bool,
        tf_padding: bool,
        bn_eps: float,
        skip: bool = True,
    ) -> None:
        super().__init__()
        self.kernel, self.halves_as_tf = kernel, tf_padding and stride == 2
        conv = partial(conv_bn, bn_eps=bn_eps)
        hidden = in_channels * expansion
        layers = [*conv(in_channels, hidden, 1), nn.ReLU()] if expansion > 1 else []
        self.depthwise = len(layers)
        layers += [*conv(hidden, hidden, kernel, stride, hidden, padded=not self.halves_as_tf), nn.ReLU()]
        if use_se:
            layers.append(SqueezeExcite(hidden, max(1, in_channels // 4), gate=nn.Sigmoid))
        layers += conv(hidden, out_channels, 1)
        self.layers = nn.Sequential(*layers)
        self.residual = skip and stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        out = x
        for index, layer in enumerate(self.layers):
            if self.halves_as_tf and index == self.depthwise:
                out = pad_as_tf(out, self.kernel)
            out = layer(out)
        return x + out if self.residual else out


class MnasNet(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        version: ``"b1"``, ``"a1"``, ``"small"``, or ``"blocks"`` for those of ``blocks``.
        width: multiplier of every channel count but the last.
        num_classes: size of the output.
        dropout: probability before the classifier, in training only.
        tf_padding: pad as TF does at stride 2; H and W must then be multiples of 32.
        bn_eps: BN epsilon; 1e-3 goes with TF's weights.
        blocks: of a searched network, see :mod:`edgekit.types.networks.stacks`.
        stem, first: channels of the stem and of the first separable convolution, of a searched network.
        last: channels of the last 1x1 convolution, of a searched network.
    """

    def __init__(
        self,
        version: str,
        width: float = 1.0,
        num_classes: int = 1000,
        dropout: float = 0.2,
        *,
        tf_padding: bool = False,
        bn_eps: float = 1e-5,
        blocks: str = "",
        stem: int = 32,
        first: int = 16,
        last: int = LAST,
    ) -> None:
        super().__init__()
        self.tf_padding = tf_padding
        conv = partial(conv_bn, bn_eps=bn_eps)
        block = partial(InvertedResidual, tf_padding=tf_padding, bn_eps=bn_eps)
        if version != SEARCHED:
            (stem, first, _), last = TABLES[version], LAST
        stem, channels = make_divisible(stem * width), make_divisible(first * width)
        layers: list[nn.Module] = [*conv(3, stem, 3, 2, padded=not tf_padding), nn.ReLU()]
        layers += [*conv(stem, stem, 3, groups=stem), nn.ReLU(), *conv(stem, channels, 1)]
        # The separable convolution of "small" has an identity around it, as in the authors' code: layers 3 to 7.
        self.identity = (2, len(layers) - 1) if version == "small" else None
        for one in stacks_of(version, blocks):
            out = make_divisible(one.channels * width)
            stack = []
            for index in range(one.layers):
                step = one.stride if index == 0 else 1
                stack.append(block(channels, out, one.kernel, step, one.expansion, use_se=one.squeeze, skip=one.skip))
                channels = out
            layers.append(nn.Sequential(*stack))
        layers += [*conv(channels, last, 1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        if self.tf_padding:
            x = pad_as_tf(x, 3)
        shortcut = x
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if self.identity and index == self.identity[0]:
                shortcut = x
            if self.identity and index == self.identity[1]:
                x = x + shortcut
        scores: Tensor = self.classifier(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))
        return scores


def stacks_of(version: str, blocks: str = "") -> tuple[Stack, ...]:
    """The blocks of a version, or those that ``blocks`` names.

    Raises:
        KeyError: an unknown version.
        ValueError: ``blocks`` of another version than ``"blocks"``, or that are none.
    """
    if version == SEARCHED:
        return read_stacks(blocks)
    if blocks:
        raise ValueError(f"blocks are of version {SEARCHED!r}, not of {version!r}")
    return tuple(Stack(t, k, c, n, s, se) for t, k, c, n, s, se in TABLES[version][2])


def mnasnet(
    version: str,
    width: float = 1.0,
    num_classes: int = 1000,
    *,
    tf_padding: bool = False,
    bn_eps: float = 1e-5,
    blocks: str = "",
    stem: int = 32,
    first: int = 16,
    last: int = LAST,
) -> nn.Module:
    """MnasNet of the given version and width, freshly initialised; see :class:`MnasNet`."""
    return MnasNet(
        version,
        width,
        num_classes,
        tf_padding=tf_padding,
        bn_eps=bn_eps,
        blocks=blocks,
        stem=stem,
        first=first,
        last=last,
    )
