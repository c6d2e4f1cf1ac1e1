"""MnasNet's blocks as a text: what a card of a searched network says, and what a search changes (arXiv:1807.11626)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

FORM = "e6 k3 c24 n2 s2 se noskip"
"""Expansion, kernel, output channels, layers, stride of the first; ``se`` and ``noskip`` where they hold."""


@dataclass(frozen=True)
class Stack:
    """Layers of one kind, one after the other: a block of MnasNet's factorized hierarchical space.

    Attributes:
        expansion: of the 1x1 convolution in front; 1 leaves it out, which is a separable convolution.
        kernel: of the depthwise convolution.
        channels: of the output, before the network's width is applied.
        layers: how many.
        stride: of the first layer; the others have 1.
        squeeze: squeeze-and-excitation in every layer.
        skip: an identity around every layer whose input and output have one shape.
    """

    expansion: int
    kernel: int
    channels: int
    layers: int
    stride: int
    squeeze: bool = False
    skip: bool = True

    @property
    def text(self) -> str:
        """``e6 k3 c24 n2 s2 se``."""
        plain = f"e{self.expansion} k{self.kernel} c{self.channels} n{self.layers} s{self.stride}"
        return plain + (" se" if self.squeeze else "") + ("" if self.skip else " noskip")


def write_stacks(stacks: Sequence[Stack]) -> str:
    """Blocks as :func:`read_stacks` reads them."""
    return "; ".join(stack.text for stack in stacks)


def read_stacks(text: str) -> tuple[Stack, ...]:
    """The blocks that ``text`` names, parted by semicolons.

    Raises:
        ValueError: one that is none, or a figure that no layer can have.
    """
    return tuple(read_stack(part.split()) for part in text.split(";"))


def read_stack(words: Sequence[str]) -> Stack:
    """One block.

    Raises:
        ValueError: as :func:`read_stacks`.
    """
    figures = {found[1]: int(found[2]) for word in words if (found := re.fullmatch(r"([ekcns])(\d{1,4})", word))}
    flags = [word for word in words if word in ("se", "noskip")]
    if len(figures) + len(flags) != len(words) or set(figures) != set("ekcns") or len(set(flags)) != len(flags):
        raise ValueError(f"a block reads {FORM!r}, got {' '.join(words)!r}")
    if min(figures.values()) < 1 or figures["k"] % 2 == 0 or figures["s"] > 2:
        raise ValueError(f"{' '.join(words)}: the kernel is odd, the stride 1 or 2, and everything at least 1")
    return Stack(
        figures["e"], figures["k"], figures["c"], figures["n"], figures["s"], "se" in flags, "noskip" not in flags
    )
