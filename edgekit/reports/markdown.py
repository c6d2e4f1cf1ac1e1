"""The report as one Markdown file: to be committed and read in a diff, or posted as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.clean import for_markdown
from .brief.asks import Ask, asks
from .brief.headline import Line, headline
from .brief.limits import NO_LIMITS, Kept
from .brief.reasons import reasons_of
from .summary import PUBLISHED, Group, Row
from .table import ASSUMED

WORDS = (
    "Latency is one inference at the stated batch and threads; percentiles are of the raw samples (n), the interval is "
    "the 95 % interval of the median. Parity is agreement with the float reference, not accuracy."
)
LEFT = {"model", "format", "precision", "weights", "verdict"}
COMMENT = 65_000
"""A comment on GitHub holds 65,536 characters."""
LEFT_OUT = "The conditions of each are left out: with them a comment would be too long. `report.html` has them."
CUT = "\n\nThe rest is cut off: a comment would be too long. `report.html` has it.\n"


def render_markdown(groups: Sequence[Group], version: str, total: int | None = None, kept: Kept = NO_LIMITS) -> str:
    """The whole file, with a final newline; without the conditions when they would make it too long for a comment.

    Args:
        groups: what is shown.
        version: of edgekit.
        total: of the measurements, shown or not; None when all are shown.
        kept: which of them keep the reader's limits.
    """
    total = total or sum(len(group.rows) for group in groups)
    page = rendered(groups, version, total, kept, in_full=True)
    return page if len(page) <= COMMENT else rendered(groups, version, total, kept, in_full=False)


def cut(page: str) -> str:
    """A page that is too long even with one measurement, at its last line that leaves room to say so."""
    return page if len(page) <= COMMENT else page[: COMMENT - len(CUT)].rpartition("\n")[0] + CUT


def rendered(groups: Sequence[Group], version: str, total: int, kept: Kept, *, in_full: bool) -> str:
    """The whole file; ``in_full`` with the conditions."""
    count = sum(len(group.rows) for group in groups)
    parts = [
        "# Latency report",
        f"{total} measurement{'' if total == 1 else 's'}, written by edgekit {version}. {WORDS}",
    ]
    if count < total:
        parts.append(
            f"Shown are {count} of {total}, the fastest of each network and precision first. `report.csv` has all."
        )
    for group in groups:
        parts += section(group, kept, in_full=in_full)
    for group in groups:
        if found := asks(group):
            parts += [f"## Ask on: {for_markdown(group.device)}", "\n".join(f"- {asked(one)}" for one in found)]
    if not in_full:
        parts.append(LEFT_OUT)
    return "\n\n".join(parts) + "\n"


def asked(one: Ask) -> str:
    """A question and its commands."""
    return f"{for_markdown(one.question)} {', then '.join(f'`{command}`' for command in one.commands)}"


def section(group: Group, kept: Kept, *, in_full: bool) -> list[str]:
    """A device: heading, headline, table, remarks, and the conditions folded away."""
    parts = [f"## {for_markdown(group.device)}{' (emulated)' if group.emulated else ''}", for_markdown(group.machine)]
    if group.emulated:
        parts.append("**Emulated: these latencies mean nothing and are not to be compared.**")
    else:
        parts.append("\n".join(f"- **{for_markdown(line.label)}**: {told(line)}" for line in headline(group, kept)))
    parts.append(table([row.cells for row in group.rows]))
    found = remarks(group.rows)
    if found:
        parts.append("\n".join(f"- {line}" for line in found))
    if in_full:
        parts.append("<details><summary>Conditions of each measurement</summary>")
        parts += [conditions(row) for row in group.rows]
        parts.append("</details>")
    return parts


def told(line: Line) -> str:
    """A line of the headline with the numbers of the measurements that it rests on."""
    return " ".join([for_markdown(line.text), *(f"#{row.number}" for row in line.rows)])


def table(rows: Sequence[dict[str, str]]) -> str:
    """A pipe table; numbers to the right. The accuracy is left out where nothing was evaluated."""
    names = [name for name in rows[0] if name != "top-1" or any(row[name] != "-" for row in rows)]
    lines = [names, ["---" if name in LEFT else "--:" for name in names]]
    lines += [[for_markdown(row[name]) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def remarks(rows: Sequence[Row]) -> list[str]:
    """Reasons of the verdicts, random weights, published accuracy."""
    lines = [
        f"{', '.join(f'#{row.number}' for row in one.rows)} {one.verdict}: {for_markdown(one.text)}"
        for one in reasons_of(rows)
    ]
    random = sorted({row.measurement.model for row in rows if row.measurement.weights_kind == "random"})
    if random:
        lines.append(
            f"weights are random for {for_markdown(', '.join(random))}: latency is valid, accuracy is not claimed"
        )
    assumed = sorted({row.measurement.model for row in rows if row.measurement.preprocessing_assumed})
    if assumed:
        lines.append(f"preprocessing is assumed for {for_markdown(', '.join(assumed))}: {ASSUMED}")
    known = {row.measurement.model: row for row in rows if row.accuracy is not None}
    lines += [
        f"{for_markdown(model)}: ImageNet top-1 {row.accuracy:g} %, {PUBLISHED} ({for_markdown(row.accuracy_source)})"
        for model, row in sorted(known.items())
    ]
    return lines


def conditions(row: Row) -> str:
    """A list of the measurement's conditions."""
    head = f"**#{row.number} {for_markdown(row.label)}, {row.measurement.format}**"
    return "\n".join([head, "", *(f"- {name}: {for_markdown(value)}" for name, value in row.conditions)])
