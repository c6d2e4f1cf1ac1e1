"""What the plugin wrote: the counts between marks, and how often each block of code ran in the last span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ToolError
from ..types import Counts

CLASSES = 8
"""Counters of instructions: all, and those of the seven classes."""


@dataclass(frozen=True)
class Spans:
    """What was counted.

    Attributes:
        counts: of each inference, in order.
        blocks: address of each block of code to the instructions that it executed in the last inference.
    """

    counts: tuple[Counts, ...]
    blocks: dict[int, int]


def read_output(path: Path, levels: int) -> Spans:
    """The plugin's file.

    Args:
        path: of the file.
        levels: of the caches that were modelled.

    Raises:
        ToolError: there is none, or it is not what the plugin writes.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise ToolError(f"the plugin of QEMU wrote no counts: {error}", "run it again with --debug") from error
    try:
        return parse(text, levels)
    except ValueError as error:
        raise ToolError(
            f"{path} is not what the plugin of QEMU writes: {error}", "run it again with --debug"
        ) from error


def parse(text: str, levels: int) -> Spans:
    """As :func:`read_output`.

    Raises:
        ValueError: it is not what the plugin writes.
    """
    counts: list[Counts] = []
    blocks: dict[int, int] = {}
    for line in text.splitlines():
        kind, *words = line.split()
        if kind == "mark":
            counts.append(counts_of([int(word) for word in words[1:]], levels))
        elif kind == "block" and len(words) == 2 + CLASSES:
            address = int(words[0], 16)
            blocks[address] = blocks.get(address, 0) + int(words[1]) * int(words[2])
        else:
            raise ValueError(f"line {line[:100]!r}")
    if not counts:
        raise ValueError("it has no mark")
    return Spans(tuple(counts), blocks)


def counts_of(numbers: Sequence[int], levels: int) -> Counts:
    """The counts of a line.

    Raises:
        ValueError: there are more or fewer numbers than counters.
    """
    if len(numbers) != CLASSES + 2 + levels:
        raise ValueError(f"{len(numbers)} numbers where {CLASSES + 2 + levels} are to be")
    return Counts(
        instructions=numbers[0],
        fma=numbers[1],
        dot=numbers[2],
        int_multiply=numbers[3],
        simd=numbers[4],
        loads=numbers[5],
        stores=numbers[6],
        branches=numbers[7],
        bytes_loaded=numbers[8],
        bytes_stored=numbers[9],
        cache_misses=tuple(numbers[10:]),
    )
