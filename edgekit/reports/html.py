"""The report as one HTML page that needs nothing but itself: no network, no script library."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from ..errors import ToolError
from ..types import OpTime
from .plots import scatter, strip
from .summary import PUBLISHED, Group
from .table import milliseconds

SHOWN_OPERATORS = 12


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
    environment.filters["ms"] = milliseconds
    template = environment.from_string((files("edgekit.reports") / "report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        groups=groups,
        version=version,
        published=PUBLISHED,
        count=sum(len(group.rows) for group in groups),
        scatter=lambda rows, against: Markup(scatter(rows, against)),  # noqa: S704 - escapes its own texts
        strip=lambda measurement: Markup(strip(measurement)),  # noqa: S704 - holds numbers only
        slowest=slowest,
    )


def slowest(operators: Sequence[OpTime]) -> list[tuple[OpTime, str]]:
    """The slowest operators with their share of the sum."""
    total = sum(op.ns for op in operators) or 1
    ordered = sorted(operators, key=lambda op: -op.ns)[:SHOWN_OPERATORS]
    return [(op, f"{op.ns / total:.1%}") for op in ordered]
