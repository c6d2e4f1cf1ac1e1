"""The accuracy table for public checkpoints, on your ImageNet: int8 in three formats against the published float top-1.

``python -m benchmarks.accuracy.imagenet IMAGENET --weights MODEL=FILE ... --out DIR``: IMAGENET holds ``train`` and
``val``, each with a folder per class (wnid). Ranges are taken from 256 training images, the table is of all validation
images, or of ``--images N``, evenly spaced. A row that is in DIR already is left alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from edgekit.artifacts.prepare import ExportOptions
from edgekit.catalog import find_card
from edgekit.errors import EdgekitError, UsageError
from edgekit.types import ModelCard
from edgekit.zoo.preprocessing import published

from .page import tables
from .rows import Row, in_folder, keep_row, kept_rows, measure_row
from .run import say


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 when a network could not be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("imagenet", type=Path, help="folder with train and val")
    parser.add_argument("--weights", action="append", required=True, metavar="MODEL=FILE", help="repeatable")
    parser.add_argument("--out", type=Path, default=Path("accuracy"), help="rows, artifacts and table.md")
    asked = parser.parse_args(arguments)
    for part in ("train", "val"):
        if not (asked.imagenet / part).is_dir():
            parser.error(f"{asked.imagenet} has no folder {part}")
    options = ExportOptions(calibration=str(asked.imagenet / "train"), parity_data=str(asked.imagenet / "val"))
    failed = 0
    for word in asked.weights:
        name, _, file = word.partition("=")
        try:
            one(name, Path(file), asked.imagenet / "val", options, asked.out)
        except EdgekitError as error:
            sys.stderr.write(f"{name}: {error}\n")
            failed += 1
    rows = kept_rows(asked.out / "rows")
    (asked.out / "table.md").write_text("\n".join([*tables(rows), *against_published(rows)]))
    return int(failed > 0)


def one(name: str, weights: Path, images: Path, options: ExportOptions, out: Path) -> None:
    """Export and evaluate a checkpoint, unless its row is there.

    Raises:
        EdgekitError: an unknown model, no such file, or an export that fails in every format.
    """
    card = find_card(name)
    if (out / "rows" / f"{card.id}.json").is_file():
        return
    if not weights.is_file():
        raise UsageError(f"no checkpoint {weights}", f"--weights {name}=FILE")
    entry = published(card, weights)
    source = "weights that are not known" if entry is None else entry.name
    chosen = in_folder(options, weights, out / "artifacts")
    row = measure_row(card.id, chosen, str(images), source, say, top1_of(card, weights))
    keep_row(out / "rows", row)


def top1_of(card: ModelCard, weights: Path) -> float | None:
    """The published top-1 of these very weights, percent."""
    entry = published(card, weights)
    return None if entry is None else entry.top1


def against_published(rows: Sequence[Row]) -> list[str]:
    """Float top-1 as measured here and as published: a difference says that images or preprocessing differ."""
    lines = ["## Against what was published\n", "| network | published | float here |", "| --- | --: | --: |"]
    for row in rows:
        exact = next((c.evaluation.reference_top1 for c in row.cells if c.evaluation is not None), None)
        said = "-" if row.published is None else f"{row.published:.2f}"
        lines.append(f"| {row.model} | {said} | {'-' if exact is None else f'{100 * exact.share:.2f}'} |")
    return ["\n".join(lines) + "\n"]


if __name__ == "__main__":
    sys.exit(main())
