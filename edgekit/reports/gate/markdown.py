"""The result of a gate as Markdown: a pull-request comment or a step summary."""

from __future__ import annotations

from collections.abc import Sequence

from ...base.clean import for_markdown
from ...errors import EdgekitError
from ...types import GateResult
from .words import HEADINGS, headline, meaning, remarks, row

MARKER = "<!-- edgekit gate -->"
"""First line, by which a bot finds its own comment to replace."""


def gate_markdown(results: Sequence[GateResult]) -> str:
    """A table, and what each result that is not a PASS has to say."""
    lines = [MARKER, f"### edgekit gate: {headline(results)}", ""]
    lines += [f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    lines += [f"| {' | '.join(for_markdown(text) for text in row(result))} |" for result in results]
    for result in results:
        if result.status == "PASS":
            continue
        lines += ["", f"**{for_markdown(result.name)}: {result.status}**, {meaning(result)}", ""]
        lines += [f"- {for_markdown(text)}" for text in remarks(result)]
    first = results[0].rule if results else None
    if first is not None:
        looks = ", ".join(map(str, first.looks))
        how = (
            "Baseline and candidate in fresh processes, in random order, on the device; 20 %-trimmed mean of the log "
            f"ratios with Yuen's interval, looks after {looks} pairs; chance of a false FAIL in the whole run at most "
            f"{first.alpha:.1%} (Holm)."
        )
        lines += ["", how]
    return "\n".join(lines) + "\n"


def refused_markdown(error: EdgekitError) -> str:
    """The same of a run that ended before its first gate."""
    lines = [MARKER, "### edgekit gate: nothing was compared", "", for_markdown(str(error))]
    if error.hint:
        lines += ["", f"Try: {for_markdown(error.hint)}"]
    return "\n".join(lines) + "\n"
