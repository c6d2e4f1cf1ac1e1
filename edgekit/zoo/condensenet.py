"""CondenseNet (Huang et al. 2018, arXiv:1711.09224, sections 3 and 4, table 1): dense blocks of learned groups.

One network has two forms. ``training`` has ordinary 1x1 convolutions with masks, which :meth:`CondenseNet.set_progress`
thins out; ``condensed`` has indices and group convolutions, and is what edgekit exports (``condense.py`` makes the one
from the other). Cards describe the condensed form with the whole classifier, the form that computes exactly what was
trained. The paper's ImageNet figures (4.8 M, 2.9 M parameters) and its released weights keep half of the classifier's
inputs: ``half_classifier=True``.

Parameter names are those of the official code.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .blocks import init_weights
from .learned_group_conv import CondensedConv, CondensedFacts, LearnedGroupConv

# Layers per dense block and growth per layer are the card's: 4-6-8-10-8 and 8-16-32-64-128 (ImageNet-74), where block 1
# works at 112 x 112 and every transition halves (56, 28, 14, 7); three blocks at 32, 16 and 8 on CIFAR.
BOTTLENECK = 4
FORMS = ("condensed", "training")
GroupConv = LearnedGroupConv | CondensedConv


@dataclass(frozen=True)
class CondenseNetConfig:
    """What both forms of a CondenseNet share.

    Attributes:
        stages: layers of each dense block.
        growth: channels that each layer of the block adds; the stem has twice the first.
        groups: G, of the 1x1 and 3x3 convolutions.
        factor: C, the condensation factor.
        stem_stride: 2 on ImageNet, 1 on CIFAR.
        reduction: share of channels that a transition's learned group convolution keeps ("light" networks); 0 for the
            fully dense ones, whose transitions only pool.
        half_classifier: condensed form only: the classifier reads half of the features.
        num_classes: size of the output.
        dropout: of the learned group convolutions, in training only.
    """

    stages: tuple[int, ...]
    growth: tuple[int, ...]
    groups: int
    factor: int
    stem_stride: int
    reduction: float
    half_classifier: bool
    num_classes: int
    dropout: float

    def group_conv(self, in_channels: int, out_channels: int, form: str, dropout: float) -> GroupConv:
        """A learned group convolution in the given form."""
        if form == "training":
            return LearnedGroupConv(in_channels, out_channels, self.groups, self.factor, dropout)
        return CondensedConv(in_channels, out_channels, self.groups, self.factor)


class NormReluConv(nn.Module):
    """BN, ReLU and a 3x3 convolution with contiguous groups."""

    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        out: Tensor = self.conv(self.relu(self.norm(x)))
        return out


class DenseLayer(nn.Module):
    """Learned group convolution to 4 k channels, 3x3 group convolution to k, concatenated after the input."""

    def __init__(self, in_channels: int, growth: int, config: CondenseNetConfig, form: str) -> None:
        super().__init__()
        self.conv_1 = config.group_conv(in_channels, BOTTLENECK * growth, form, config.dropout)
        self.conv_2 = NormReluConv(BOTTLENECK * growth, growth, config.groups)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C + growth, H, W)``."""
        return torch.cat([x, self.conv_2(self.conv_1(x))], 1)


class Transition(nn.Module):
    """2x2 average pooling, in "light" networks after a learned group convolution."""

    def __init__(self, conv: GroupConv | None) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Identity() if conv is None else conv
        self.pool = nn.AvgPool2d(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', H / 2, W / 2)``."""
        out: Tensor = self.pool(self.conv(x))
        return out


class HalfLinear(nn.Module):
    """A linear layer over an index of its input: half of the features."""

    index: Tensor

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        kept = in_features // 2
        self.register_buffer("index", torch.randperm(in_features)[:kept])
        self.linear = nn.Linear(kept, out_features)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_features)`` to ``(N, out_features)``."""
        out: Tensor = self.linear(torch.index_select(x, 1, self.index))
        return out


class CondenseNet(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        config: the architecture.
        form: ``"condensed"`` or ``"training"``.

    Raises:
        UsageError: an unknown form, as many growths as stages missing, or channels that G or C do not divide.
    """

    def __init__(self, config: CondenseNetConfig, form: str) -> None:
        super().__init__()
        if form not in FORMS:
            raise UsageError(f"unknown form {form!r} of a CondenseNet", f"known: {', '.join(FORMS)}")
        if len(config.stages) != len(config.growth):
            raise UsageError(f"{len(config.stages)} stages cannot have {len(config.growth)} growths")
        self.config, self.form = config, form
        self.progress = 0.0
        channels = 2 * config.growth[0]
        self.features = nn.Sequential()
        self.features.add_module("init_conv", nn.Conv2d(3, channels, 3, config.stem_stride, 1, bias=False))
        for number, (layers, growth) in enumerate(zip(config.stages, config.growth, strict=True), 1):
            block = nn.Sequential()
            for layer in range(1, layers + 1):
                block.add_module(f"denselayer_{layer}", DenseLayer(channels, growth, config, form))
                channels += growth
            self.features.add_module(f"denseblock_{number}", block)
            if number < len(config.stages):
                conv = None
                if config.reduction:
                    out = ceil(ceil(channels * config.reduction) / config.groups) * config.groups
                    conv, channels = config.group_conv(channels, out, form, 0.0), out
                self.features.add_module(f"transition_{number}", Transition(conv))
        self.features.add_module("norm_last", nn.BatchNorm2d(channels))
        self.features.add_module("relu_last", nn.ReLU())
        half = config.half_classifier and form == "condensed"
        self.classifier: nn.Module = (HalfLinear if half else nn.Linear)(channels, config.num_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        x = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        scores: Tensor = self.classifier(torch.flatten(x, 1))
        return scores

    def set_progress(self, progress: float) -> int:
        """Tell the network the share of the training done; stages that began since the last call drop their inputs.

        The trainer calls it before every batch. Nothing else changes a mask: evaluation does not.

        Returns:
            The number of layers that dropped inputs.

        Raises:
            UsageError: not within 0 and 1, or the condensed form, which has nothing to drop.
        """
        if not 0.0 <= progress <= 1.0:
            raise UsageError(f"progress {progress} is not a share of the training, 0 to 1")
        if self.form != "training":
            raise UsageError("a condensed network has no progress", 'build it with form = "training"')
        self.progress = progress
        return sum(layer.advance(progress) > 0 for layer in self.learned_groups().values())

    def learned_groups(self) -> dict[str, LearnedGroupConv]:
        """The learned group convolutions by name; empty in the condensed form."""
        return {name: layer for name, layer in self.named_modules() if isinstance(layer, LearnedGroupConv)}

    def lasso(self) -> Tensor:
        """The group-lasso term of all layers, a scalar to be weighted and added to the loss (section 4.1)."""
        return sum((layer.lasso() for layer in self.learned_groups().values()), torch.zeros(()))

    def facts(self) -> dict[str, CondensedFacts]:
        """Index and output permutation of every condensed convolution, by name; empty in the training form."""
        return {name: layer.facts() for name, layer in self.named_modules() if isinstance(layer, CondensedConv)}


def condensenet(
    stages: str,
    growth: str,
    groups: int = 4,
    factor: int = 4,
    stem_stride: int = 2,
    reduction: float = 0.0,
    *,
    half_classifier: bool = False,
    form: str = "condensed",
    dropout: float = 0.0,
    num_classes: int = 1000,
) -> nn.Module:
    """CondenseNet with ``stages`` and ``growth`` such as ``"4-6-8-10-8"``, freshly initialised.

    Raises:
        UsageError: see :class:`CondenseNet`; or stages or growth are not whole numbers joined by hyphens.
    """
    config = CondenseNetConfig(
        numbers(stages), numbers(growth), groups, factor, stem_stride, reduction, half_classifier, num_classes, dropout
    )
    return CondenseNet(config, form)


def numbers(text: str) -> tuple[int, ...]:
    """``"4-6-8"`` as ``(4, 6, 8)``."""
    try:
        return tuple(int(part) for part in text.split("-"))
    except ValueError as error:
        raise UsageError(f"{text!r} is not a list of whole numbers such as 4-6-8") from error
