"""The report as one HTML page that needs nothing but itself: no network, no script library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from ..types import Counted
from .brief.asks import Ask, asks
from .brief.headline import Line, headline
from .brief.limits import NO_LIMITS, Kept
from .brief.reasons import reasons_of
from .counted.words import HEADINGS as COUNTED_HEADINGS
from .counted.words import LABEL as COUNTED_LABEL
from .counted.words import cells as counted_cells
from .counted.words import errors_of
from .page.axis import Axis
from .page.bars import FIRST, OF_SEVERAL, Bars, latency_bars
from .page.columns import COLUMNS, shown_columns
from .page.heat import heat_map
from .page.lanes import Lanes, axis_lane, cumulative, distributions, sequence
from .page.operators import NAMES, by_type, slowest, stack, total_ns
from .page.pareto import pareto
from .page.roofline import beyond, roofline_plot
from .page.speedup import Speedup, speedup_axis, speedup_axis_lane, speedup_bar, speedups
from .page.sustained import steady_state, sustained
from .page.words import RUNTIMES, again, conditions_of, plural, short, tip
from .summary import PUBLISHED, Group, Row
from .table import ASSUMED, milliseconds
from .templates import page_environment
from .throughput import TITLES, WORDS, notes, rates

PAGE_BYTES = 5_000_000
"""A larger page takes long to open."""


@dataclass(frozen=True)
class Scatter:
    """Measurements that one Pareto front may rank, against published accuracy (empty when unknown) and size."""

    heading: str
    rows: tuple[Row, ...]
    by_accuracy: str
    by_size: str


@dataclass(frozen=True)
class Section:
    """What the page shows of one device.

    Attributes:
        headline, bars: what the page begins with; no bars of an emulated device.
        asks: what its readers ask next.
        scatters: one for each thread count and accelerator.
        ratios, stacks: with their drawn bars; each kind has one axis.
        roofs: heading, plot, rows that have a place under the roof, and those of them that stand above it.
        long_runs: rows, their curves, and the steady state in words.
    """

    group: Group
    headline: tuple[Line, ...]
    asks: tuple[Ask, ...]
    bars: Bars | None
    scatters: tuple[Scatter, ...]
    spread: Lanes | None
    ratios: tuple[tuple[Speedup, str], ...]
    ratio_axis: str
    stacks: tuple[tuple[Row, str, str], ...]
    stack_axis: str
    roofs: tuple[tuple[str, str, tuple[Row, ...], tuple[Row, ...]], ...]
    long_runs: tuple[tuple[Row, str, str], ...]


def render_html(
    groups: Sequence[Group],
    version: str,
    total: int | None = None,
    kept: Kept = NO_LIMITS,
    counted: Sequence[Counted] = (),
) -> str:
    """The whole page. Every value is escaped; the plots escape their own.

    Args:
        groups: what is shown.
        version: of edgekit.
        total: of the measurements, shown or not; None when all are shown.
        counted: on simulated boards; a section of its own.
        kept: which of them keep the reader's limits.

    Raises:
        ToolError: jinja2 is not installed.
    """
    environment = page_environment("the HTML report")
    from markupsafe import Markup

    environment.filters.update(
        ms=milliseconds,
        short=short,
        plural=plural,
        drawn=Markup,  # only for what the plots made, which escape their own texts
    )
    rows = [row for group in groups for row in group.rows]
    return environment.from_string(
        source("page.html.j2")
    ).render(
        sections=[section(group, kept, FIRST if len(groups) == 1 else OF_SEVERAL) for group in groups],
        kept=kept,
        shown=shown_columns(rows),
        reasons_of=reasons_of,
        real=[row for group in groups if not group.emulated for row in group.rows],
        emulated=[row for group in groups if group.emulated for row in group.rows],
        rows=rows,
        total=total or len(rows),
        columns=COLUMNS,
        heat=heat_map(groups),
        families=NAMES,
        runtimes=RUNTIMES,
        published=PUBLISHED,
        assumed_words=ASSUMED,
        version=version,
        counted=[counted_cells(one) for one in counted],
        counted_headings=COUNTED_HEADINGS,
        counted_words=COUNTED_LABEL,
        counted_errors=errors_of(counted),
        style=Markup(source("page.css")),  # a file of this package  # noqa: S704  # nosec B704
        script=Markup(source("page.js")),  # a file of this package  # noqa: S704  # nosec B704
        stream_titles=TITLES[len(WORDS) :],
        stream_notes=notes,
        stream_rates=rates,
        sequence=sequence,
        cumulative=cumulative,
        slowest=slowest,
        by_type=by_type,
        tip=tip,
        again=again,
    )


def source(name: str) -> str:
    """A file of the page."""
    return (files("edgekit.reports") / "page" / name).read_text(encoding="utf-8")


def section(group: Group, kept: Kept = NO_LIMITS, first: int = FIRST) -> Section:
    """A device's headline and plots; no plot of an emulated one, whose latency means nothing.

    Args:
        group: the device's measurements.
        kept: which of them keep the reader's limits.
        first: bars that show at once.
    """
    rows, lines = group.rows, tuple(headline(group, kept))
    if group.emulated:
        return Section(group, lines, (), None, (), None, (), "", (), "", (), ())
    ratios = speedups(rows)
    ratio_axis = speedup_axis(ratios)
    timed = sorted(
        (row for row in rows if row.measurement.per_op), key=lambda row: (row.measurement.model, total_ns(row))
    )
    return Section(
        group,
        lines,
        tuple(asks(group)),
        latency_bars(rows, first),
        tuple(
            Scatter(name, tuple(members), pareto(members, "accuracy"), pareto(members, "size"))
            for name, members in by_conditions(rows)
            if len(members) > 1  # the table says all of a single one
        ),
        distributions(rows),
        tuple((speedup, speedup_bar(speedup, ratio_axis)) for speedup in ratios),
        speedup_axis_lane(ratio_axis),
        tuple((row, stack(row), milliseconds(total_ns(row) / 1e6)) for row in timed),
        axis_lane(Axis(0.0, 100.0), "share of the summed operator times, %"),
        tuple(
            (name, drawn, tuple(row for row in members if row.measurement.roofline), tuple(beyond(members)))
            for name, members in by_conditions(rows)
            if (drawn := roofline_plot(members))
        ),
        tuple(
            (row, drawn, steady_state(row.measurement.sustained or ()))
            for row in rows
            if (drawn := sustained(row.measurement))
        ),
    )


def by_conditions(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Rows that may stand on one Pareto front: of one thread count and one accelerator."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.measurement.accelerator, row.measurement.threads)):
        found.setdefault(conditions_of(row.measurement), []).append(row)
    return list(found.items())
