"""docs/results/faults.md: what goes wrong on purpose, what is promised then, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.soak.growth import Growth
from tools.soak.page import table

from .row import Row

INTRODUCTION = """# Faults on purpose

`make faults` makes this page, in `build/faults`; its figures are in `benchmarks/results/faults.json`. A library that is
loaded before all others (`tools/faults/shim.c`) counts what a command and its children do to files, which programs they
start, and what `ssh` sends. Then each of these operations fails once in turn, or its process is killed. "Fails" means
in turns a full disk (ENOSPC), a broken one (EIO) and a refusal (EACCES); a lock fails with EIO, a start with EAGAIN,
and what `ssh` sends with EPIPE. "22 of 90" says that so many operations had their turn (`--every 4`): all take hours.

*Whole* promises: it ends by itself with exit code 0, or with 3 and a cause, never with a traceback; no process is left;
what stood there stands there whole, or the new one does; and the same command then works without help, and leaves
nothing over. Where a device is needed, tests bring the fault about (`tools/faults/staged.py`)."""


def page(results: Mapping[str, Any]) -> str:
    """The page that these results make."""
    rows = [Row.from_plain(plain) for plain in results["rows"]]
    tried, broken = sum(row.tried for row in rows), sum(row.broken for row in rows)
    killed = sum(row.tried for row in rows if row.fault.startswith("SIGKILL"))
    lines = [
        INTRODUCTION,
        "",
        f"- {results['where']}; edgekit at {results['revision']}; {results['when']}",
        f"- **{tried:,} faults, {killed} of them kills; {broken} broke a promise.**",
        "",
        "| fault | on | promise | tried | exit codes | outcome |",
        "|---|---|---|---:|---|---|",
        *(line_of(row) for row in rows),
        *soak_lines(results.get("soaks", [])),
    ]
    return "\n".join(lines) + "\n"


def line_of(row: Row) -> str:
    """One row of the table."""
    codes = ", ".join(f"{code} × {count}" for code, count in row.codes.items()) or "–"
    outcome = f"**{row.broken} broken**" if row.broken else "kept" if row.tried else "not tried"
    tried = f"{row.tried} of {row.of}" if row.of else str(row.tried)
    why = "".join(f"<br>{text.splitlines()[0].replace('|', '/')[:200]}" for text in row.why)
    return f"| {row.fault} | {row.command} | {row.promise} | {tried} | {codes} | {outcome}{why} |"


def soak_lines(soaks: Sequence[Mapping[str, Any]]) -> list[str]:
    """What measuring without a pause came to (``make soak``)."""
    lines = []
    for one in soaks:
        lines += [
            "",
            f"## {one['minutes']:.0f} minutes of measuring without a pause on {one['device']}",
            "",
            f"{one['measurements']} measurements, {len(one['failures'])} failures, {one['looks']} looks (`make soak`).",
            "The medians of the first, the second and the last third of the looks:",
            "",
            *table([Growth(**growth) for growth in one["growths"]]),
        ]
    return lines
