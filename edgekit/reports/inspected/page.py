"""One model file as a page that needs nothing but itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.resources import files

from ...types import OpTime
from ..table import milliseconds
from ..templates import page_environment

Row = tuple[str, ...]


def inspect_page(
    title: str, facts: Sequence[tuple[str, str]], operators: Sequence[Row], times: Sequence[OpTime], note: str
) -> str:
    """The page: what is known of the file, its operators by type, and each one's time in order of execution.

    Args:
        title: of the file.
        facts: names and values; what has no value is left out.
        operators: type, reads, writes, count, delegated.
        times: in order of execution; empty where the runtime tells none.
        note: where the times are from, or why there are none.

    Raises:
        ToolError: jinja2 is not installed.
    """
    environment = page_environment("the page of a file")
    total = sum(one.ns for one in times) or 1
    by_type: Counter[str] = Counter()
    for one in times:
        by_type[one.type] += one.ns
    begin, placed = 0, []
    for place, one in enumerate(times):
        share = one.ns / total
        placed.append((place, one.type, one.name, milliseconds(one.ns / 1e6), f"{share:.1%}", begin / total, share))
        begin += one.ns
    template = (files("edgekit.reports") / "inspected" / "page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        title=title,
        facts=[(name, value) for name, value in facts if value],
        operators=operators,
        delegated=any(row[-1] for row in operators),
        types=[(kind, milliseconds(ns / 1e6), f"{ns / total:.1%}", ns / total) for kind, ns in by_type.most_common()],
        times=placed,
        total=milliseconds(sum(one.ns for one in times) / 1e6),
        note=note,
    )
