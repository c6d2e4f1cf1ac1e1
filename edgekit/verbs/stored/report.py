"""The verb ``report``: the stored measurements as one HTML page, one Markdown file and one CSV file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ... import __version__
from ...artifacts.accuracy.kept import Key, known_evaluations
from ...base.files import write_atomic
from ...base.progress import Progress, Warned, silent
from ...catalog import cards
from ...errors import UsageError
from ...reports.brief.asks import Ask, asks
from ...reports.brief.limits import NO_LIMITS, Kept
from ...reports.counted.store import load_count, stored_counts
from ...reports.counted.words import markdown_section
from ...reports.csv_file import Line, render_csv
from ...reports.html import PAGE_BYTES, render_html
from ...reports.index import Found
from ...reports.indexed.chosen import chosen, foremost, in_order
from ...reports.indexed.reader import read_cells, read_latest
from ...reports.listing import write_lists
from ...reports.markdown import COMMENT, cut, render_markdown
from ...reports.store import Damaged, load
from ...reports.summary import Group, published_top1, summarise
from ...select.pareto import Limits, missed
from ...types import Counted, Evaluation, Measurement, ModelCard
from .pick import candidate

NO_WISH = Limits()
IN_FULL = 150
"""Measurements with their samples on one page, of about 20 kB each; of more the foremost are shown so."""


@dataclass(frozen=True)
class Report:
    """The pages that were written, what is on them, and the files that could not be read.

    Attributes:
        in_full: measurements that the HTML page shows with their samples.
        counted: artifacts that were counted on simulated boards; a section of their own.
        asks: what readers ask next of the first device that is not emulated, each with its command.
        lists: pages that list all of them; none where the first page does.
    """

    markdown: Path
    html: Path
    csv: Path
    measurements: int
    in_full: int
    devices: tuple[str, ...]
    lists: tuple[Path, ...] = ()
    damaged: tuple[Damaged, ...] = ()
    counted: int = 0
    asks: tuple[Ask, ...] = ()


def report(
    reports: Path,
    out: Path | None = None,
    device: str | None = None,
    model: str | None = None,
    progress: Progress = silent,
    limits: Limits = NO_WISH,
    artifacts: Path = Path("artifacts"),
) -> Report:
    """Write ``report.html``, ``report.md`` and ``report.csv`` into ``out``, or beside the measurements when None.

    Of more measurements than a page can show, the fastest of each network and precision are shown in full; all are in
    the CSV and on the pages of the folder ``report``. A damaged file does not keep the others from being shown.

    Args:
        reports: the store.
        out: folder of the pages.
        device: only what was measured there.
        model: only this network, by id or alias.
        progress: told what takes time.
        limits: the headline names the fastest that keeps them.
        artifacts: folder of exported artifacts, beside which evaluations are kept.

    Raises:
        UsageError: nothing has been measured, every stored file is damaged, or a part has no ``out`` of its own.
        ToolError: jinja2 is missing, or the folder cannot be written.
    """
    if out is None and (device or model):
        raise UsageError("a report of a part would take the place of the whole one", "give --out a folder of its own")
    found, damaged = read_latest(reports, progress)
    if damaged and not found:
        raise damaged[0].error
    counted, uncounted = counts_of(reports, device, model)
    if not found and not counted:
        raise UsageError(f"no measurements under {reports}", "measure something first: edgekit profile --device local")
    found = in_order(found if not found else kept_of(found, device, model, counted))
    numbers = {one.path: number for number, one in enumerate(found, 1)}
    folder, known = out or reports, cards()
    accuracy, unreadable = known_evaluations(artifacts)
    for error in unreadable:
        progress(Warned(f"no accuracy from {error}"))
    if len(found) > IN_FULL:
        said = f"{IN_FULL} are shown in full, all in report.csv and on pages in report/"
        progress(Warned(f"{len(found)} measurements: {said}"))
    shown, spoilt = loaded(foremost(found)[:IN_FULL], numbers)
    if spoilt and not shown:
        raise spoilt[0].error
    page = partial(render_html, counted=counted)
    total, kept = len(found), keeping(found, numbers, known, accuracy, limits)
    html, in_full = largest(shown, known, lambda groups: page(groups, __version__, total, kept), PAGE_BYTES, accuracy)
    markdown, _ = largest(
        shown, known, lambda groups: render_markdown(groups, __version__, total, kept), COMMENT, accuracy
    )
    markdown += "\n" + markdown_section(counted) if counted else ""
    csv = render_csv(csv_lines(reports, found, known, progress, accuracy))
    for name, text in {"report.html": html, "report.md": cut(markdown), "report.csv": csv}.items():
        write_atomic(folder / name, text, "--out")
    listed = [(numbers[one.path], one.measurement) for one in found] if in_full < total else []
    return Report(
        markdown=folder / "report.md",
        html=folder / "report.html",
        csv=folder / "report.csv",
        measurements=total,
        in_full=in_full,
        devices=tuple(dict.fromkeys(one.measurement.device.id for one in found)),
        lists=tuple(write_lists(folder / "report", listed, __version__)),
        damaged=(*damaged, *spoilt, *uncounted),
        counted=len(counted),
        asks=first_asks(summarise([m for _, m in shown[:in_full]], known, None, accuracy)) if shown else (),
    )


def first_asks(groups: Sequence[Group]) -> tuple[Ask, ...]:
    """What is asked of the first device of which anything is; the pages have it for each."""
    return next((tuple(found) for group in groups if (found := asks(group))), ())


def kept_of(found: Sequence[Found], device: str | None, model: str | None, counted: Sequence[Counted]) -> list[Found]:
    """The measurements of a part; none where the part was counted alone.

    Raises:
        UsageError: nothing of it was measured or counted.
    """
    try:
        return list(chosen(found, device, model))
    except UsageError:
        if not counted:
            raise
        return []


def counts_of(reports: Path, device: str | None, model: str | None) -> tuple[list[Counted], list[Damaged]]:
    """The counts of simulated boards, of a part where one is asked for, and the files that hold none."""
    found, damaged = [], []
    for path in stored_counts(reports):
        try:
            one = load_count(path)
        except UsageError as error:
            damaged.append(Damaged(path, error))
            continue
        if device in (None, one.device.id) and model in (None, one.model):
            found.append(one)
    return found, damaged


def keeping(
    found: Sequence[Found],
    numbers: Mapping[Path, int],
    known: Mapping[str, ModelCard],
    accuracy: Mapping[Key, Evaluation],
    limits: Limits,
) -> Kept:
    """Which measurements keep the limits, with the accuracy that ``pick`` goes by."""
    if limits == NO_WISH:
        return NO_LIMITS
    wishes = (
        (limits.latency_ms, "{:g} ms"),
        (limits.size_mb, "{:g} MB"),
        (limits.accuracy, "top-1 {:g} %"),
    )
    words = ", ".join(text.format(value) for value, text in wishes if value is not None)
    lost = {}
    for one in found:
        lost[numbers[one.path]] = tuple(missed(candidate(one.measurement, known, accuracy), limits))
    return Kept(words, lost)


def loaded(found: Sequence[Found], numbers: Mapping[Path, int]) -> tuple[list[tuple[int, Measurement]], list[Damaged]]:
    """The measurements themselves with their numbers, and those that were spoilt since the index was read."""
    shown, spoilt = [], []
    for one in found:
        try:
            shown.append((numbers[one.path], load(one.path)))
        except UsageError as error:
            spoilt.append(Damaged(one.path, error))
    return shown, spoilt


def largest(
    shown: Sequence[tuple[int, Measurement]],
    known: Mapping[str, ModelCard],
    render: Callable[[Sequence[Group]], str],
    most: int,
    accuracy: Mapping[Key, Evaluation],
) -> tuple[str, int]:
    """A page of the first of ``shown``, as many as leave it at ``most`` bytes or below, and their count."""
    count = len(shown)
    while True:
        numbers = [number for number, _ in shown[:count]]
        text = render(summarise([m for _, m in shown[:count]], known, numbers, accuracy))
        if len(text.encode()) <= most or count == 1:
            return text, count
        count = max(1, count // 2)


def csv_lines(
    reports: Path,
    found: Sequence[Found],
    known: Mapping[str, ModelCard],
    progress: Progress,
    accuracy: Mapping[Key, Evaluation],
) -> list[Line]:
    """The rows of the CSV, from the index."""
    cells = read_cells(reports, [one.path for one in found], progress)
    return [
        Line(
            number,
            *published_top1(known.get(one.measurement.model), one.measurement),
            cells[one.path],
            accuracy.get((one.measurement.artifact_sha256, one.measurement.weights_sha256)),
        )
        for number, one in enumerate(found, 1)
        if one.path in cells
    ]
