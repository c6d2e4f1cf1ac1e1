"""What a search may change of a network: MnasNet's factorized space around a card, or its width and resolution.

In MnasNet's space (arXiv:1807.11626, section 4) every block has choices of its own, and all its layers are alike. The
sizes are relative to a reference network; here that is the network of the card. Of the paper's operations the
inverted bottleneck and the separable convolution are there (an expansion of 1), of its skips the identity and none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import UsageError
from ..types import ModelCard
from ..types.networks.stacks import Stack, write_stacks

Kind = Literal["blocks", "width"]
Choice = str | int | float | bool
Values = Mapping[str, Choice]

KERNELS, EXPANSIONS = (3, 5), (1, 3, 6)
CHANNELS = (0.75, 1.0, 1.25)
LAYERS = (-1, 0, 1)
WIDTHS = (0.5, 0.625, 0.75, 0.875, 1.0, 1.25, 1.5)
RESOLUTIONS = (4 / 7, 5 / 7, 6 / 7, 1.0, 8 / 7)
"""Of the card's: for 224 pixels those are the zoo's 128, 160, 192, 224, and 256."""
HEADS = (0.25, 0.5, 1.0)
"""Of the last 1x1 convolution's channels."""


@dataclass(frozen=True)
class Space:
    """The choices around a card.

    Attributes:
        card: the reference.
        stacks: its blocks; empty where width and resolution alone are searched.
        head: channels of its last 1x1 convolution.
    """

    card: ModelCard
    stacks: tuple[Stack, ...] = ()
    head: int = 0
    stem: int = 0
    first: int = 0

    @property
    def kind(self) -> Kind:
        """Which of the two spaces it is."""
        return "blocks" if self.stacks else "width"

    @property
    def choices(self) -> dict[str, tuple[Choice, ...]]:
        """The values of every choice, by its name."""
        found: dict[str, tuple[Choice, ...]] = {"resolution": self.resolutions}
        if not self.stacks:
            return {"width": WIDTHS, **found}
        for number in range(1, len(self.stacks) + 1):
            found |= {
                f"kernel{number}": KERNELS,
                f"expansion{number}": EXPANSIONS,
                f"squeeze{number}": (False, True),
                f"skip{number}": (True, False),
                f"layers{number}": LAYERS,
                f"channels{number}": CHANNELS,
            }
        return {**found, "head": HEADS}

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides of the input, pixels, each once."""
        _, height, _ = self.card.input_shape
        return tuple(sorted({max(8, round(share * height)) for share in RESOLUTIONS}))

    @property
    def size(self) -> int:
        """How many networks there are in it."""
        total = 1
        for values in self.choices.values():
            total *= len(values)
        return total

    @property
    def reference(self) -> dict[str, Choice]:
        """The choices that make the card's own network, as near as they come to it."""
        found: dict[str, Choice] = {"resolution": self.card.input_shape[1]}
        if not self.stacks:
            return {"width": 1.0, **found}
        for number, stack in enumerate(self.stacks, 1):
            found |= {
                f"kernel{number}": nearest(stack.kernel, KERNELS),
                f"expansion{number}": nearest(stack.expansion, EXPANSIONS),
                f"squeeze{number}": stack.squeeze,
                f"skip{number}": stack.skip,
                f"layers{number}": 0,
                f"channels{number}": 1.0,
            }
        return {**found, "head": 1.0}

    def card_of(self, values: Values, id_: str) -> ModelCard:
        """The network of some choices as a card."""
        side = int(values["resolution"])
        architecture = dict(self.card.architecture)
        if self.stacks:
            architecture |= {
                "version": "blocks",
                "blocks": write_stacks([changed(s, values, n) for n, s in enumerate(self.stacks, 1)]),
                "stem": self.stem,
                "first": self.first,
                "last": 8 * round(self.head * float(values["head"]) / 8),
            }
        else:
            architecture["width"] = round(float(architecture["width"]) * float(values["width"]), 4)
        made = self.card.preprocessing
        short = made.resize if isinstance(made.resize, int) else min(made.resize)
        margin = round(side * short / min(made.size))
        channels = self.card.input_shape[0]
        return self.card.model_copy(
            update={
                "id": id_,
                "aliases": (),
                "title": f"{self.card.title}, searched",
                "architecture": architecture,
                "input_shape": (channels, side, side),
                "preprocessing": made.model_copy(update={"resize": max(side, margin), "crop": side}),
                "params": None,
                "macs": None,
                "published": (),
                "weights": (),
            }
        )


def changed(stack: Stack, values: Values, number: int) -> Stack:
    """A block with the choices made for it."""
    return replace(
        stack,
        kernel=int(values[f"kernel{number}"]),
        expansion=int(values[f"expansion{number}"]),
        squeeze=bool(values[f"squeeze{number}"]),
        skip=bool(values[f"skip{number}"]),
        layers=max(1, stack.layers + int(values[f"layers{number}"])),
        channels=max(1, round(stack.channels * float(values[f"channels{number}"]))),
    )


def nearest(value: int, of: Sequence[int]) -> int:
    """The choice nearest to a value."""
    return min(of, key=lambda one: abs(one - value))


def width_space(card: ModelCard) -> Space:
    """Width and resolution of a card.

    Raises:
        UsageError: its architecture has no width, or its input is oblong.
    """
    require_square(card)
    if "width" not in card.architecture:
        raise UsageError(
            f"{card.id} has no width to search", f"its architecture has {', '.join(card.architecture) or 'no keys'}"
        )
    return Space(card)


def require_square(card: ModelCard) -> None:
    """Make sure that a resolution is one number.

    Raises:
        UsageError: the input is oblong.
    """
    _, height, width = card.input_shape
    if height != width:
        raise UsageError(f"{card.id} takes {height} x {width}, and a search is over square inputs", "give a square one")
