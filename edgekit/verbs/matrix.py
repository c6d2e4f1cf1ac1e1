"""``edgekit matrix``: export every variant to every format and precision, and keep the account of how each went.

The account (JSON, and Markdown beside it) is written after every variant. Resuming takes what has been verified from
the artifacts' own manifests, where those were made by the tools that are installed now, and tries the rest again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from .. import __version__
from ..artifacts.cache import installed
from ..artifacts.prepare import ExportOptions
from ..artifacts.store import artifact_folder, check_files, read_manifest
from ..artifacts.tasks import Outcome
from ..base.files import check_place, write_atomic
from ..base.owned import MANIFEST
from ..base.processes.parallel import run_all
from ..base.processes.warm import warm
from ..base.progress import JobEnded, Note, Progress
from ..catalog import cards, find_card, profile_for
from ..errors import EdgekitError, UsageError, did_you_mean
from ..forms.profiles import FORMATS, INT8_WEIGHTS
from ..forms.resolve import resolve
from ..types import Artifact, ExportProfile, Format, Frozen, ModelCard, Precision
from .export import export

CellStatus = Literal["ok", "failed to build", "failed to convert", "failed to verify"]
Column = Literal["fp32", "fp16", "int8", "dynamic"]
CELL_S = (10.0, 40.0)
"""What a cell usually takes to export and verify, in seconds: from, to."""
PRECISIONS: tuple[Column, ...] = ("fp32", "fp16", "int8", "dynamic")


class Cell(Frozen):
    """One variant in one format and precision.

    Attributes:
        precision: ``dynamic`` is int8 weights alone, weight-only in OpenVINO, as ``export --dynamic-range`` makes them.
        seconds: of the conversion when ok, until the failure otherwise.
        size_bytes: what a device has to hold; None when failed.
        sqnr_db: parity with the float network; None when failed.
        reason: empty when ok.
    """

    model: str
    family: str
    format: Format
    precision: Column = "fp32"
    status: CellStatus
    seconds: float
    size_bytes: int | None = None
    sqnr_db: float | None = None
    reason: str = ""


class Matrix(Frozen):
    """All cells, by family, model, precision and format."""

    schema_version: Literal[1] = 1
    edgekit: str
    formats: tuple[Format, ...]
    precisions: tuple[Column, ...] = ("fp32",)
    cells: tuple[Cell, ...]

    @property
    def failures(self) -> tuple[Cell, ...]:
        """The cells that are not ok."""
        return tuple(cell for cell in self.cells if cell.status != "ok")


def choose_cards(models: Sequence[str], families: Sequence[str], smallest: bool) -> list[ModelCard]:
    """The named cards, or those of the named families, or all; ``smallest`` keeps the one of fewest MACs a family.

    Raises:
        UsageError: an unknown name.
    """
    chosen = [find_card(name) for name in models] or list(cards().values())
    known = {card.family for card in cards().values()}
    for family in families:
        if family not in known:
            raise UsageError(f"unknown family {family!r}", did_you_mean(family, known))
    chosen = [card for card in chosen if not families or card.family in families]
    if not chosen:
        raise UsageError(f"none of {', '.join(models)} is of the family {', '.join(families)}", "leave one of both out")
    chosen = sorted(
        {card.id: card for card in chosen}.values(), key=lambda card: (card.family, card.macs or 0, card.id)
    )
    if smallest:
        chosen = [c for i, c in enumerate(chosen) if i == 0 or chosen[i - 1].family != c.family]
    return chosen


def choose_formats(names: Sequence[str]) -> tuple[Format, ...]:
    """The named formats in their usual order; all when none is named.

    Raises:
        UsageError: an unknown one.
    """
    for name in names:
        if name not in FORMATS:
            raise UsageError(f"unknown format {name!r}", did_you_mean(name, FORMATS))
    return tuple(f for f in FORMATS if not names or f in names)


def choose_precisions(names: Sequence[str]) -> tuple[Column, ...]:
    """The named precisions in their usual order; float32 when none is named, every one for ``all``.

    Raises:
        UsageError: an unknown one.
    """
    for name in names:
        if name not in (*PRECISIONS, "all"):
            raise UsageError(f"unknown precision {name!r}", did_you_mean(name, (*PRECISIONS, "all")))
    wanted = names or ("fp32",)
    return tuple(p for p in PRECISIONS if p in wanted or "all" in wanted)


def matrix(
    chosen: Sequence[ModelCard],
    formats: Sequence[Format],
    out: Path,
    artifacts: Path,
    progress: Progress,
    *,
    precisions: Sequence[Column] = ("fp32",),
    jobs: int = 1,
    resume: bool = False,
    data: Path | None = None,
    render: Callable[[Matrix], str],
) -> Matrix:
    """Export ``chosen`` to ``formats``; one failure stops nothing else.

    Args:
        chosen: the variants.
        formats: each at its built-in profile of every precision.
        out: Markdown file of the table.
        artifacts: folder of the artifacts, which are kept.
        progress: receives an event as each step begins and ends.
        precisions: what to make of each variant in each format.
        jobs: variants at the same time.
        resume: take verified artifacts that are there already.
        data: JSON file of the same; ``out`` with the ending ``.json`` when None.
        render: makes the Markdown.
    """
    check_place(out, "--out")
    check_place(data or out.with_suffix(".json"), "--data")
    done: dict[str, list[Cell]] = {}

    def account() -> Matrix:
        ordered = [cell for card in chosen for cell in done.get(card.id, [])]
        return Matrix(edgekit=__version__, formats=tuple(formats), precisions=tuple(precisions), cells=tuple(ordered))

    def finish(card: ModelCard, cells: list[Cell]) -> None:
        done[card.id] = cells
        made = account()
        write_atomic(data or out.with_suffix(".json"), made.model_dump_json(indent=2) + "\n")
        write_atomic(out, render(made), "--out")
        found = ", ".join(f"{way(c, precisions)} {c.status}" for c in cells)
        progress(JobEnded(found, (card.id,), len(done), len(chosen)))

    with warm():
        run_all(chosen, lambda card: cells_of(card, formats, precisions, artifacts, progress, resume), finish, jobs)
    return account()


def way(cell: Cell, precisions: Sequence[Column]) -> str:
    """What a cell is called: its format, with its precision where there are several."""
    return cell.format if len(precisions) == 1 else f"{cell.format} {cell.precision}"


def profile_of(card: ModelCard, format_: Format, precision: Column) -> ExportProfile:
    """The built-in profile of a cell; int8 is int8 also where it is known to be slower than float32."""
    if precision == "dynamic":
        return profile_for(format_, INT8_WEIGHTS[format_])
    profile = profile_for(format_, precision)
    return resolve(card, profile, float_instead=False).profile if precision == "int8" else profile


def cells_of(
    card: ModelCard,
    formats: Sequence[Format],
    precisions: Sequence[Column],
    artifacts: Path,
    progress: Progress,
    resume: bool,
) -> list[Cell]:
    """The cells of one variant: those that are verified already, and those exported now."""
    profiles = [profile_of(card, format_, precision) for precision in precisions for format_ in formats]
    cells: dict[str, Cell] = {}
    if resume:
        for profile in profiles:
            found = verified(artifact_folder(artifacts, card.id, profile.name), progress)
            if found is not None:
                cells[profile.name] = ok_cell(card, found)
    missing = [profile for profile in profiles if profile.name not in cells]
    if missing:
        made = exported(card, missing, artifacts, progress)
        cells |= {profile.name: cell for profile, cell in zip(missing, made, strict=True)}
    return [cells[profile.name] for profile in profiles]


def exported(card: ModelCard, profiles: Sequence[ExportProfile], artifacts: Path, progress: Progress) -> list[Cell]:
    """Export a variant; where not even its network can be built, every cell has failed."""
    try:
        outcomes = export([card.id], profiles, ExportOptions(out=artifacts, out_option="--artifacts"), progress)
    except EdgekitError as error:
        return [failed_cell(card, profile, "failed to build", 0.0, str(error)) for profile in profiles]
    return [outcome_cell(card, profile, outcome) for profile, outcome in zip(profiles, outcomes, strict=True)]


def outcome_cell(card: ModelCard, profile: ExportProfile, outcome: Outcome) -> Cell:
    """The cell of one export."""
    if outcome.artifact is not None:
        return ok_cell(card, outcome.artifact)
    assert outcome.status != "converted"
    assert outcome.status != "not fast enough"  # nobody asks that of a matrix
    return failed_cell(card, profile, outcome.status, round(outcome.seconds, 2), str(outcome.error))


def failed_cell(card: ModelCard, profile: ExportProfile, status: CellStatus, seconds: float, reason: str) -> Cell:
    """The cell of what was not made."""
    return Cell(
        model=card.id,
        family=card.family,
        format=profile.format,
        precision=column(profile.precision),
        status=status,
        seconds=seconds,
        reason=reason,
    )


def ok_cell(card: ModelCard, artifact: Artifact) -> Cell:
    """The cell of a verified artifact."""
    return Cell(
        model=card.id,
        family=card.family,
        format=artifact.format,
        precision=column(artifact.precision),
        status="ok",
        seconds=artifact.convert_seconds,
        size_bytes=artifact.size_bytes,
        sqnr_db=round(artifact.proof[0].sqnr_db, 1),
    )


def column(precision: Precision) -> Column:
    """The column that a precision counts as."""
    return "dynamic" if precision == "weight-only" else precision


def verified(folder: Path, progress: Progress) -> Artifact | None:
    """The whole artifact in ``folder``, when the tools of its manifest are those installed now; else None, and why."""
    if not (folder / MANIFEST).is_file():
        return None
    try:
        stored = read_manifest(folder)
        check_files(stored)
    except EdgekitError as error:
        progress(Note(f"{folder} is made again: {error}"))
        return None
    for name, version in stored.artifact.tool_versions.items():
        now = installed(name)
        if now != version:
            progress(Note(f"{folder} is made again: {name} was {version}, is {now}"))
            return None
    return stored.artifact
