"""All measurements of a large store, a thousand per page, since one page with all details could not be opened."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ..base.clean import for_html
from ..base.files import write_atomic
from ..types import Summary
from .table import interval, megabytes, milliseconds

ROWS = 1000
MARKER = "<!-- edgekit: measurements -->"
"""The last line of a page; it identifies a page of an earlier report, which may be removed."""
PAGE = re.compile(r"[0-9]{4,}\.html")
TITLES = (
    *("#", "device", "model", "profile", "precision", "runtime", "threads", "p50 ms", "95 % of p50", "p90", "p99", "n"),
    *("size", "verdict", "measured at"),
)
STYLE = """:root { color-scheme: light dark; }
body { margin: 1.5rem; font: 14px/1.45 system-ui, sans-serif; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #8884; white-space: nowrap; }
td:nth-child(n+7):nth-child(-n+13), td:first-child { text-align: right; }"""


def write_lists(folder: Path, rows: Sequence[tuple[int, Summary]], version: str) -> list[Path]:
    """Write the pages into ``folder`` and remove those of an earlier report that are too many.

    Args:
        folder: of the pages alone.
        rows: the number of each measurement in the report, and the measurement; none for no page at all.
        version: of edgekit.

    Raises:
        ToolError: the folder cannot be written.
    """
    pages = [rows[begin : begin + ROWS] for begin in range(0, len(rows), ROWS)]
    written = []
    for number, members in enumerate(pages, 1):
        path = folder / name_of(number)
        write_atomic(path, page(members, number, len(pages), version))
        written.append(path)
    for old in folder.glob("*.html") if folder.is_dir() else ():
        if old not in written and PAGE.fullmatch(old.name) and is_ours(old):
            old.unlink()
    if not written:
        with suppress(OSError):  # something else is there, or nothing
            folder.rmdir()
    return written


def name_of(number: int) -> str:
    """File name of a page, from 1."""
    return f"{number:04d}.html"


def is_ours(path: Path) -> bool:
    """True for a page that :func:`write_lists` wrote."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 200))
        return stream.read().rstrip().endswith(MARKER.encode())


def page(rows: Sequence[tuple[int, Summary]], number: int, pages: int, version: str) -> str:
    """One page; every value is cleaned and escaped."""
    first = rows[0][1]
    command = shlex.join(["edgekit", "report", "--device", first.device.id, "--model", first.model, "--out", "details"])
    ways = ['<a href="../report.html">report</a>']
    ways += [f'<a href="{name_of(number - 1)}">previous</a>'] if number > 1 else []
    ways += [f'<a href="{name_of(number + 1)}">next</a>'] if number < pages else []
    head = "".join(f'<th scope="col">{for_html(title)}</th>' for title in TITLES)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>edgekit measurements, page {number}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>",
            f"<h1>Measurements {rows[0][0]} to {rows[-1][0]}</h1>",
            f"<p>Page {number} of {pages}, written by edgekit {for_html(version)}. {' · '.join(ways)}</p>",
            "<p>The numbers are those of report.html and report.csv. A page with samples and conditions:",
            f"<code>{for_html(command)}</code></p>",
            f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>",
            *(line(cells(place, m)) for place, m in rows),
            f"</tbody>\n</table>\n</body>\n</html>\n{MARKER}\n",
        ]
    )


def cells(number: int, m: Summary) -> Iterable[str]:
    """The texts of a row under ``TITLES``."""
    return (
        *(str(number), m.device.id, m.model, m.profile, m.precision, f"{m.runtime} {m.runtime_version}"),
        f"{m.threads}{m.on_cores}",
        milliseconds(m.p50_ms),
        interval(m),
        *(milliseconds(value, like=m.p50_ms) for value in (m.p90_ms, m.p99_ms)),
        *(str(m.samples), megabytes(m.artifact_bytes), m.verdict.name, m.measured_at[:16]),
    )


def line(texts: Iterable[str]) -> str:
    """A row of the table."""
    return f"<tr>{''.join(f'<td>{for_html(text)}</td>' for text in texts)}</tr>"
