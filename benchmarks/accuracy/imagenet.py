"""The accuracy table for public checkpoints, on your ImageNet: int8 in three formats against the published float top-1.

``python -m benchmarks.accuracy.imagenet IMAGENET --weights MODEL=FILE ... --out DIR``: IMAGENET holds ``train`` and
``val``, each with a folder per class (wnid). Ranges are taken from 256 training images, the table is of all validation
images. A row that is whole in DIR already is left alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.files import write_atomic
from edgekit.catalog import find_card
from edgekit.errors import EdgekitError, UsageError
from edgekit.types import Format, ModelCard
from edgekit.zoo.preprocessing import published

from .page import tables
from .rows import FORMATS, Row, in_folder, keep_row, kept_rows, measure_row
from .run import say


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 when a network could not be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("imagenet", type=Path, help="folder with train and val")
    parser.add_argument("--weights", action="append", required=True, metavar="MODEL=FILE", help="repeatable")
    parser.add_argument("--out", type=Path, default=Path("accuracy"), help="rows, artifacts and table.md")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS, help="all when left out")
    asked = parser.parse_args(arguments)
    for part in ("train", "val"):
        if not (asked.imagenet / part).is_dir():
            parser.error(f"{asked.imagenet} has no folder {part}")
    options = ExportOptions(calibration=str(asked.imagenet / "train"), parity_data=str(asked.imagenet / "val"))
    failed = 0
    for word in asked.weights:
        name, _, file = word.partition("=")
        try:
            one(name, Path(file), asked.imagenet / "val", options, asked.out, asked.formats)
        except EdgekitError as error:
            sys.stderr.write(f"{name}: {error}\n")
            failed += 1
    rows = kept_rows(asked.out / "rows")
    if rows:
        write_atomic(asked.out / "table.md", "\n".join([*tables(rows), *against_published(rows)]))
    return int(failed > 0 or not all(row.complete for row in rows))


def one(
    name: str, weights: Path, images: Path, options: ExportOptions, out: Path, formats: Sequence[Format] = FORMATS
) -> None:
    """Export and evaluate a checkpoint, unless its row is there.

    Raises:
        EdgekitError: an unknown model, no such file, or an export that fails in every format.
    """
    card = find_card(name)
    if any(row.model == card.id and row.complete for row in kept_rows(out / "rows")):
        return
    if not weights.is_file():
        raise UsageError(f"no checkpoint {weights}", f"--weights {name}=FILE")
    entry = published(card, weights)
    source = "weights that are not known" if entry is None else entry.name
    chosen = in_folder(options, weights, out / "artifacts")
    row = measure_row(name, chosen, str(images), source, say, top1_of(card, weights), formats)
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
