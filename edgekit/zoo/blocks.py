"""Building blocks that several families share: convolution + BN + activation, squeeze-and-excitation, channel rounding.

All tensors are NCHW, float32.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

Activation = Callable[[], nn.Module]


def make_divisible(value: float, divisor: int = 8, minimum: int | None = None) -> int:
    """Round ``value`` to the nearest multiple of ``divisor``, never below 90 % of it.

    Source: TF-slim's ``_make_divisible``, used by the MobileNet and MnasNet papers' released code.
    """
    floor = divisor if minimum is None else minimum
    rounded = max(floor, int(value + divisor / 2) // divisor * divisor)
    if rounded < 0.9 * value:
        rounded += divisor
    return rounded


def pad_as_tf(x: Tensor, kernel: int) -> Tensor:
    """Zeros around ``(N, C, H, W)``, H and W even, as TF's "SAME" puts them for a stride of 2: more below and right."""
    before = (kernel - 2) // 2
    after = kernel - 2 - before
    return nn.functional.pad(x, (before, after, before, after))


class ConvBNAct(nn.Sequential):
    """Bias-free convolution, batch normalisation and an optional activation, as children ``0``, ``1``, ``2``.

    The padding is symmetric, ``(kernel - 1) // 2``; with ``tf_padding`` it is TF's where the stride is 2 (even sizes).
    The child names are those of torchvision's checkpoints.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
        activation: Activation | None = nn.ReLU,
        bn_eps: float = 1e-5,
        bn_momentum: float = 0.1,
        *,
        tf_padding: bool = False,
    ) -> None:
        halves_as_tf = tf_padding and stride == 2
        padding = 0 if halves_as_tf else (kernel - 1) // 2
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, out_channels, kernel, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(out_channels, eps=bn_eps, momentum=bn_momentum),
        ]
        if activation is not None:
            layers.append(activation())
        super().__init__(*layers)
        self.kernel, self.halves_as_tf = kernel, halves_as_tf

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        if self.halves_as_tf:
            x = pad_as_tf(x, self.kernel)
        for layer in self:
            x = layer(x)
        return x


class SqueezeExcite(nn.Module):
    """Squeeze-and-excitation: global average pool, 1x1 conv, ReLU, 1x1 conv, gate, multiply.

    Source: Hu et al. 2018, section 3; gate and names (``fc1``, ``fc2``) as in torchvision.
    """

    def __init__(self, channels: int, squeeze: int, gate: Activation = nn.Hardsigmoid) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeeze, 1)
        self.fc2 = nn.Conv2d(squeeze, channels, 1)
        self.activation = nn.ReLU()
        self.scale_activation = gate()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, H, W)``: every channel scaled by its gate in [0, 1]."""
        scale = self.fc2(self.activation(self.fc1(self.avgpool(x))))
        gated: Tensor = self.scale_activation(scale) * x
        return gated


def init_weights(module: nn.Module, linear_std: float = 0.01) -> None:
    """Initialise in place as torchvision does: convs Kaiming fan-out, BN one and zero, linear ``N(0, linear_std)``."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, linear_std)
            nn.init.zeros_(layer.bias)
