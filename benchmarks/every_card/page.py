"""docs/results/every-card.md, from the cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..cells import number, table

Cell = dict[str, Any]
FORMATS = ("onnx", "tflite", "openvino")
PRECISIONS = ("fp32", "fp16", "dynamic", "int8")


def page(cells: Sequence[Cell], cards: Sequence[str]) -> str:
    """The page; it ends with a newline.

    Args:
        cells: those that are there.
        cards: the ids of all cards.
    """
    there = {cell["card"] for cell in cells}
    left = [name for name in cards if name not in there]
    failed = [cell for cell in cells if "failed" in cell]
    parts = [
        "# Every card in every format and precision",
        "<!-- Made by `python -m benchmarks.every_card`: run it again, do not change this page. -->",
        (
            "Each card of the zoo with random weights, at the smallest size of image that it computes, in three "
            "formats and four precisions: converted, its claims audited in the file, run, and its scores compared with "
            "PyTorch's. Float32 has to reach its profile's parity. Random weights at this size lose much to "
            "rounding, so the others have to keep a looser cosine: 0.99 in float16, 0.4 in int8 and with dynamic "
            "range. What this proves is that each card converts, runs and holds what it claims; accuracy is measured "
            "[on trained networks](accuracy.md), and full sizes are in [the matrix](matrix.md)."
        ),
        f"{len(cells) - len(failed)} of {len(cells)} artifacts of {len(there)} cards are right.",
        *([f"{len(left)} of {len(cards)} cards are not made yet: run the command again."] if left else []),
        "The lowest cosine of each family's cards:",
        lowest(cells),
        *failures(failed),
    ]
    return "\n\n".join(parts) + "\n"


def lowest(cells: Sequence[Cell]) -> str:
    """A row for each family and format: its cards, and the lowest cosine in each precision."""
    rows = []
    for family in dict.fromkeys(cell["family"] for cell in cells):
        for format_ in FORMATS:
            of_it = [cell for cell in cells if (cell["family"], cell["format"]) == (family, format_)]
            found = [
                min((cell["cosine"] for cell in of_it if cell["precision"] == one and "cosine" in cell), default=None)
                for one in PRECISIONS
            ]
            count = str(len({cell["card"] for cell in of_it}))
            rows.append((family, format_, count, *(number(one, 3) for one in found)))
    return table(("family", "format", "cards", *PRECISIONS), rows)


def failures(failed: Sequence[Cell]) -> Iterable[str]:
    """What is not right, and why."""
    if failed:
        yield "## What is not right"
        yield (
            "Deep networks without shortcuts, with random weights, make much of rounding: the last column is by how "
            "much PyTorch's own float32 is off float64, in parts of the largest score, on the same images. Float32 "
            "artifacts may be off by 0.001."
        )
        yield table(
            ("card", "format", "precision", "why", "PyTorch's float32"),
            [
                (cell["card"], cell["format"], cell["precision"], cell["failed"].replace("|", "\\|"), told(cell))
                for cell in failed
            ],
        )


def told(cell: Cell) -> str:
    """How exact PyTorch itself is."""
    return f"{cell['rounding']:.2g}" if "rounding" in cell else ""
