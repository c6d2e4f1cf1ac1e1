"""The report as one HTML page that needs nothing but itself: no network, no script library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from ..errors import ToolError
from .page.axis import Axis
from .page.columns import COLUMNS
from .page.heat import heat_map
from .page.lanes import Lanes, axis_lane, cumulative, distributions, sequence
from .page.operators import NAMES, by_type, slowest, stack, total_ns
from .page.pareto import pareto
from .page.speedup import Speedup, speedup_axis, speedup_axis_lane, speedup_bar, speedups
from .page.sustained import steady_state, sustained
from .page.words import RUNTIMES, conditions_of, plural, short, tip
from .summary import PUBLISHED, Group, Row
from .table import milliseconds


@dataclass(frozen=True)
class Section:
    """What the page shows of one device.

    Attributes:
        scatters: heading, plot against published accuracy and plot against size, for each thread count and accelerator.
        bars, stacks: rows with their drawn bars.
    """

    group: Group
    scatters: tuple[tuple[str, str, str], ...]
    spread: Lanes | None
    ratios: tuple[tuple[Speedup, str], ...]
    ratio_axis: str
    stacks: tuple[tuple[Row, str, str], ...]
    stack_axis: str
    long_runs: tuple[tuple[Row, str, str], ...]


def render_html(groups: Sequence[Group], version: str) -> str:
    """The whole page. Every value is escaped; the plots escape their own.

    Raises:
        ToolError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise ToolError(
            f"the HTML report needs jinja2, which cannot be imported: {error}",
            "pip install -c constraints.txt 'edgekit[report]'",
        ) from error
    from markupsafe import Markup

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        ms=milliseconds,
        short=short,
        plural=plural,
        drawn=Markup,  # only for what the plots made, which escape their own texts
    )
    rows = [row for group in groups for row in group.rows]
    return environment.from_string(source("page.html.j2")).render(
        sections=[section(group) for group in groups],
        real=[row for group in groups if not group.emulated for row in group.rows],
        emulated=[row for group in groups if group.emulated for row in group.rows],
        rows=rows,
        columns=COLUMNS,
        heat=heat_map(groups),
        families=NAMES,
        runtimes=RUNTIMES,
        published=PUBLISHED,
        version=version,
        style=Markup(source("page.css")),  # noqa: S704 - a file of this package
        script=Markup(source("page.js")),  # noqa: S704 - a file of this package
        sequence=sequence,
        cumulative=cumulative,
        slowest=slowest,
        by_type=by_type,
        tip=tip,
    )


def source(name: str) -> str:
    """A file of the page."""
    return (files("edgekit.reports") / "page" / name).read_text(encoding="utf-8")


def section(group: Group) -> Section:
    """A device's plots; none of an emulated one, whose latency means nothing."""
    rows = group.rows
    if group.emulated:
        return Section(group, (), None, (), "", (), "", ())
    ratios = speedups(rows)
    ratio_axis = speedup_axis(ratios)
    timed = sorted((row for row in rows if row.measurement.per_op), key=total_ns)
    longest = max((total_ns(row) for row in timed), default=1) or 1
    return Section(
        group,
        tuple((name, pareto(members, "accuracy"), pareto(members, "size")) for name, members in by_conditions(rows)),
        distributions(rows),
        tuple((speedup, speedup_bar(speedup, ratio_axis)) for speedup in ratios),
        speedup_axis_lane(ratio_axis),
        tuple((row, stack(row, longest), milliseconds(total_ns(row) / 1e6)) for row in timed),
        axis_lane(Axis(0.0, longest / 1e6), "sum of operator times, ms"),
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
