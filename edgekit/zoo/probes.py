"""The micro-benchmarks of ShuffleNet V2's guidelines (arXiv:1807.11164, section 2, tables 1 to 4) as networks.

All of one guideline compute about as much; one keeps the guideline, the others break it by degrees. Sizes are those of
the paper's ARM runs, on 28 x 28 maps and in fewer blocks, so that a small board has them in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from ..types.calibrations import Guideline

SIDE = 28
BLOCKS = 3
WIDTHS = {1: (128, 128), 2: (90, 180), 6: (52, 312), 12: (36, 432)}
"""Table 1: input and output channels of 1x1 convolutions, by their ratio."""
GROUPED = {1: 128, 2: 180, 4: 256, 8: 360}
"""Table 2: channels of 1x1 group convolutions, by their groups."""
FRAGMENTS = {1: 128, 2: 90, 4: 64}
"""Table 3: channels, by the fragments of a block."""
BOTTLENECK = 64
"""Table 4: outer and inner channels of the bottleneck."""


@dataclass(frozen=True)
class Probe:
    """One micro-benchmark; ``channels`` of its input, and see :class:`~edgekit.types.calibrations.ProbeCost`."""

    guideline: Guideline
    name: str
    says: str
    degree: float
    channels: int
    build: Callable[[], nn.Module]

    def network(self) -> nn.Module:
        """The network in eval mode, its weights always the same."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.build().eval()

    @property
    def example(self) -> Tensor:
        """An input, ``(1, channels, 28, 28)``."""
        return torch.zeros(1, self.channels, SIDE, SIDE)


def conv(inside: int, outside: int, kernel: int = 1, groups: int = 1, *, relu: bool = True) -> list[nn.Module]:
    """A convolution that keeps the size, and its ReLU."""
    made: list[nn.Module] = [nn.Conv2d(inside, outside, kernel, padding=kernel // 2, groups=groups)]
    return [*made, nn.ReLU()] if relu else made


def uneven(narrow: int, wide: int) -> nn.Module:
    """Blocks of two 1x1 convolutions, to another width and back."""
    return nn.Sequential(*(layer for _ in range(BLOCKS) for layer in (*conv(narrow, wide), *conv(wide, narrow))))


def grouped(channels: int, groups: int) -> nn.Module:
    """1x1 group convolutions."""
    return nn.Sequential(*(layer for _ in range(2 * BLOCKS) for layer in conv(channels, channels, groups=groups)))


class Parallel(nn.Module):
    """Fragments side by side whose outputs are added."""

    def __init__(self, channels: int, fragments: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Sequential(*conv(channels, channels)) for _ in range(fragments))

    def forward(self, x: Tensor) -> Tensor:
        """The sum over the fragments, of the shape of ``x``."""
        out = self.parts[0](x)
        for part in self.parts[1:]:
            out = out + part(x)
        return out  # type: ignore[no-any-return]


def fragmented(channels: int, fragments: int, parallel: bool) -> nn.Module:
    """Blocks of one or more 1x1 convolutions, one after the other or side by side."""
    if parallel:
        return nn.Sequential(*(Parallel(channels, fragments) for _ in range(2 * BLOCKS)))
    return nn.Sequential(*(layer for _ in range(2 * BLOCKS * fragments) for layer in conv(channels, channels)))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions, with or without ReLU and shortcut."""

    def __init__(self, relu: bool, shortcut: bool) -> None:
        super().__init__()
        c = BOTTLENECK
        layers = [*conv(c, c, relu=relu), *conv(c, c, 3, relu=relu), *conv(c, c, relu=relu)]
        self.layers = nn.Sequential(*layers)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of ``x``."""
        out: Tensor = self.layers(x)
        return out + x if self.shortcut else out


def element_wise(relu: bool, shortcut: bool) -> nn.Module:
    """Two bottlenecks."""
    return nn.Sequential(Bottleneck(relu, shortcut), Bottleneck(relu, shortcut))


def probes() -> list[Probe]:
    """Every micro-benchmark, the one that keeps its guideline first."""
    found = [
        Probe("G1", f"g1_{ratio}", f"widths 1:{ratio} ({a} to {b})", ratio, a, partial(uneven, a, b))
        for ratio, (a, b) in WIDTHS.items()
    ]
    found += [
        Probe("G2", f"g2_{g}", f"{g} group{'s' * (g > 1)} of {c // g} channels", g, c, partial(grouped, c, g))
        for g, c in GROUPED.items()
    ]
    for count, c in FRAGMENTS.items():
        for way in ("series", "parallel") if count > 1 else ("series",):
            says = f"{count} fragments, {way}" if count > 1 else "one fragment"
            build = partial(fragmented, c, count, parallel=way == "parallel")
            found.append(Probe("G3", f"g3_{count}_{way}", says, count, c, build))
    ways = (("plain", False, False), ("relu", True, False), ("shortcut", False, True), ("both", True, True))
    for name, relu, shortcut in ways:
        says = " and ".join(word for word, on in (("ReLU", relu), ("shortcut", shortcut)) if on) or "neither"
        build = partial(element_wise, relu=relu, shortcut=shortcut)
        found.append(Probe("G4", f"g4_{name}", says, 1 + relu + shortcut, BOTTLENECK, build))
    return found
