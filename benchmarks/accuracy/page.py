"""The page of the accuracy benchmark, from its rows."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from edgekit.types import Evaluation, Format

from .rows import Cell, Row

NAMES: dict[Format, str] = {"onnx": "ONNX Runtime", "tflite": "LiteRT", "openvino": "OpenVINO"}
LIMIT, MEAN_LIMIT = 1.0, 0.5
"""Goals: points of top-1 that any artifact may lose, and their mean."""
SHOWN = 0.0005
"""The smallest share of MACs to mention."""
HEAD = """# What int8 costs in accuracy

A small variant of each family, trained on Fashion-MNIST (60,000 images of 28 x 28, ten classes; MIT), exported to int8
after training (PTQ) and evaluated on all 10,000 test images. `python -m benchmarks.accuracy.run` makes the rows in
`benchmarks/results/accuracy/` and this page.

The trainings are short, so that each takes minutes on one core: the float accuracy is what such a training reaches, not
what the family can. *Drop* is float top-1 minus int8 top-1 in points, with the 95 % interval of paired proportions on
the same images (Newcombe 1998, method 10). *Agree* is the share of images on which both pick the same class. *SQNR* is
that of the scores. *Float MACs* are the multiply-accumulates that stay in float, for speed where nothing else is said:
the form of the network for a class of CPU may leave early layers in float, where int8 is no faster. *For accuracy* is
the part without which int8 would miss the bound or the aim of its profile.
"""
IMAGENET = """
## The same for the public checkpoints

We have no ImageNet images, so we publish no such table. With yours,

```sh
python -m benchmarks.accuracy.imagenet IMAGENET --weights mobilenet_v2_1.0=mobilenet_v2-b0353104.pth --out table
```

makes it: `IMAGENET` holds `train` and `val` with a folder per class, and each checkpoint is set against its published
top-1.
"""


def render(rows: Sequence[Row], wanted: Iterable[str]) -> str:
    """The page.

    Args:
        rows: what was measured.
        wanted: the networks that the benchmark is to have.
    """
    parts = [HEAD, *goals(rows), *tables(rows)]
    missing = sorted(set(wanted) - {row.model for row in rows})
    if missing:
        parts.append(f"Not measured yet: {', '.join(missing)}.\n")
    return "\n".join(parts) + IMAGENET


def drops(rows: Sequence[Row]) -> list[tuple[str, Evaluation]]:
    """What each artifact loses, with its name."""
    return [
        (f"{row.model} {NAMES[cell.format]}", cell.evaluation)
        for row in rows
        for cell in row.cells
        if cell.evaluation is not None and cell.evaluation.drop is not None
    ]


def goals(rows: Sequence[Row]) -> list[str]:
    """The goals and what was found."""
    found = drops(rows)
    if not found:
        return []
    points = {name: 100 * e.drop.drop for name, e in found if e.drop}
    worst = max(points, key=lambda name: points[name])
    widths = [100 * (e.drop.high - e.drop.low) / 2 for _, e in found if e.drop]
    mean = statistics.fmean(points.values())
    within = [name for name, e in found if e.drop and 100 * e.drop.high <= LIMIT]
    failed = sum(bool(cell.error) for row in rows for cell in row.cells)
    said = f"worst {points[worst]:+.2f} ({worst}); proven for {len(within)} of {len(found)}; {failed} could not be made"
    lines = [
        "| goal | found |  |",
        "| --- | --- | --- |",
        f"| every artifact loses at most {LIMIT:g} point | {said} | {met(points[worst] <= LIMIT and not failed)} |",
        f"| the mean at most {MEAN_LIMIT:g} | {mean:+.2f} over {len(found)} artifacts | {met(mean <= MEAN_LIMIT)} |",
        f"| half of the interval below 0.5 points | widest ±{max(widths):.2f} | {met(max(widths) < 0.5)} |",
        "",
    ]
    return ["\n".join(lines)]


def met(yes: bool) -> str:
    """A word."""
    return "met" if yes else "missed"


def tables(rows: Sequence[Row]) -> list[str]:
    """The networks, and their artifacts."""
    networks = ["| network | params | MACs | training | float top-1 % |", "| --- | --: | --: | --- | --: |"]
    artifacts = [
        "| network | runtime | int8 top-1 % | drop, points | 95 % | agree % | SQNR dB | float MACs | form |",
        "| --- | --- | --: | --: | --- | --: | --: | --: | --- |",
    ]
    for row in rows:
        exact = next((c.evaluation.reference_top1 for c in row.cells if c.evaluation is not None), None)
        share = "-" if exact is None else f"{100 * exact.share:.2f}"
        title = row.title.removesuffix(", for 28 x 28 images, ten classes")
        networks.append(f"| {title} | {row.params:,} | {row.macs:,} | {row.trained} | {share} |")
        artifacts += [line(row, cell) for cell in row.cells]
    calibration = sorted({row.calibration for row in rows if row.calibration is not None})
    targets = ", ".join(sorted({row.target for row in rows}))
    images = ", ".join(map(str, calibration))
    note = f"Calibrated on {images} training images, for the class of CPU {targets}.\n"
    return ["## The networks\n", "\n".join(networks) + "\n", "## int8\n", note, "\n".join(artifacts) + "\n"]


def line(row: Row, cell: Cell) -> str:
    """An artifact as a row."""
    found = cell.evaluation
    if found is None or found.top1 is None or found.drop is None or found.agreement is None:
        reason = cell.error.partition(" (")[0].replace("|", "/")
        return f"| {row.model} | {NAMES[cell.format]} | - | - | - | - | - | - | {reason} |"
    between = f"{100 * found.drop.low:+.2f} to {100 * found.drop.high:+.2f}"
    top1 = f"{100 * found.top1.share:.2f} | {100 * found.drop.drop:+.2f} | {between}"
    near = f"{100 * found.agreement.share:.2f} | {found.sqnr_db or 0:.1f}"
    return f"| {row.model} | {NAMES[cell.format]} | {top1} | {near} | {in_float(cell)} | {cell.form} |"


def in_float(cell: Cell) -> str:
    """The share of MACs in float, and the part of it that accuracy needs."""
    if cell.for_accuracy < SHOWN:
        return f"{cell.float_macs:.1%}"
    part = "" if cell.float_macs - cell.for_accuracy < SHOWN else f", {cell.for_accuracy:.1%} of them"
    return f"{cell.float_macs:.1%}{part} for accuracy"
