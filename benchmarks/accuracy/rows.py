"""A row of the table: a float network, its three int8 artifacts, and what each of them loses; kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgekit.artifacts.accuracy.subjects import Wanted
from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.files import write_atomic
from edgekit.base.progress import Progress, Step
from edgekit.base.target import host_target
from edgekit.catalog import find_card, find_profile
from edgekit.errors import EdgekitError
from edgekit.types import RUNTIME_OF, Artifact, Evaluation, Format, Frozen
from edgekit.verbs.evaluate import Asked, evaluate
from edgekit.verbs.export import export

FORMATS: tuple[Format, ...] = tuple(RUNTIME_OF)


class Cell(Frozen):
    """An int8 artifact.

    Attributes:
        error: why there is none; empty otherwise.
        form: of its quantization, as the manifest tells: ``int8 operators`` or what it came out as.
        float_macs: share of the multiply-accumulates that stays in float.
        for_accuracy: the part of it without which int8 would lose too much; the form keeps the rest in float for speed.
        evaluation: against the float network.
    """

    format: Format
    error: str = ""
    profile: str = ""
    form: str = ""
    ranges: str = ""
    float_macs: float = 0.0
    for_accuracy: float = 0.0
    size_bytes: int = 0
    evaluation: Evaluation | None = None


class Row(Frozen):
    """A network.

    Attributes:
        trained: how, in words.
        published: top-1 of the float weights as their publisher has it, percent.
        calibration: images that the ranges are from; None where no format could be exported.
        target: class of the CPU.
    """

    schema_version: int = 1
    model: str
    family: str
    title: str
    params: int
    macs: int
    trained: str
    published: float | None = None
    calibration: int | None = None
    target: str
    versions: dict[str, str]
    cells: tuple[Cell, ...]

    @property
    def complete(self) -> bool:
        """Every format has its artifact."""
        return not any(cell.error for cell in self.cells)


def measure_row(
    card: str,
    options: ExportOptions,
    data: str,
    trained: str,
    progress: Progress,
    published: float | None = None,
    formats: Sequence[Format] = FORMATS,
) -> Row:
    """Export a network to int8 in every format, and evaluate each artifact against the float network.

    Args:
        card: id or path of the model card.
        options: weights, calibration and parity images, where to.
        data: the labelled images, as ``edgekit evaluate --data`` takes them.
        trained: how the weights came about, in words.
        progress: told what begins.
        published: top-1 of the weights, percent.
        formats: those that are made.

    Raises:
        EdgekitError: the network cannot be built, or the images cannot be read.
    """
    profiles = [find_profile(f"{format_}-int8") for format_ in formats]
    outcomes = export([card], profiles, options, progress)
    cells, made = [], None
    for format_, outcome in zip(formats, outcomes, strict=True):
        if outcome.artifact is None or outcome.status != "converted" or outcome.folder is None:
            reason = str(outcome.error).splitlines()[0] if outcome.error else ""
            cells.append(Cell(format=format_, error=f"{outcome.status}: {reason}"))
            continue
        made = outcome.artifact
        progress(Step("evaluating", (made.model, made.profile)))
        wanted = Wanted(weights=options.weights, num_classes=options.num_classes, wishes=options.input)
        try:
            found = evaluate(str(outcome.folder), data, None, "float", wanted, progress, Asked(timeout_s=7200.0))
        except EdgekitError as error:
            cells.append(Cell(format=format_, error=str(error)))
            continue
        cells.append(cell_of(made, found))
    known = find_card(card)
    return Row(
        model=known.id,
        family=known.family,
        title=known.title,
        params=known.params or 0,
        macs=known.macs or 0,
        trained=trained,
        published=published,
        calibration=made.calibration.count if made and made.calibration else None,
        target=host_target(),
        versions=made.tool_versions if made else {},
        cells=tuple(cells),
    )


def cell_of(artifact: Artifact, found: Evaluation) -> Cell:
    """What the table shows of an artifact."""
    facts, fallback = artifact.quantization or {}, artifact.selective_float
    return Cell(
        format=artifact.format,
        profile=artifact.profile,
        form=str(facts.get("form", artifact.precision)),
        ranges=str(facts.get("ranges", "")),
        float_macs=artifact.float_macs_share,
        for_accuracy=fallback.steps[-1].macs_share if fallback is not None else 0.0,
        size_bytes=artifact.size_bytes,
        evaluation=found,
    )


def keep_row(folder: Path, row: Row) -> None:
    """Write a row as ``<model>.json``."""
    write_atomic(folder / f"{row.model}.json", json.dumps(row.to_plain(), indent=1) + "\n")


def kept_rows(folder: Path) -> list[Row]:
    """The rows that are there, by model."""
    return [Row.model_validate_json(path.read_text()) for path in sorted(folder.glob("*.json"))]


def in_folder(options: ExportOptions, weights: Path, out: Path) -> ExportOptions:
    """The options for a checkpoint, with artifacts in ``out``."""
    return replace(options, weights=str(weights), out=out)
