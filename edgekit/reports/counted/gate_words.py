"""The gate without a board in words and as Markdown: instructions and estimated cycles, never a latency."""

from __future__ import annotations

from collections.abc import Sequence

from ...base.clean import for_markdown
from ...types import CountGate
from .words import grown, millions

HEADINGS = (
    *("status", "model", "artifact", "device", "baseline M instr.", "candidate M instr.", "instructions"),
    *("estimated cycles", "noise"),
)
SPARE = ("noise", "device", "baseline M instr.", "estimated cycles", "candidate M instr.")
"""Columns that a narrow terminal leaves out, the least wanted first."""
MARKER = "<!-- edgekit gate, counted -->"
"""First line, by which a bot finds its own comment to replace."""
NEXT = {
    "PASS": "",
    "FAIL": "see what grew; if it is meant to be so, count the new baseline: edgekit gate --update",
    "INCONCLUSIVE": "run it again, or name another --tolerance",
    "INVALID": "restore the files, or export the artifact again",
    "NOT_COMPARABLE": "count both sides here: --baseline FOLDER of the baseline's artifacts; or edgekit gate --update",
    "BROKEN_OFF": "see what it says, then run it again",
}
NEXT_LIMIT = {
    **NEXT,
    "FAIL": "see what the export changed; if it is meant to be so, raise the limit in gate.toml",
    "INCONCLUSIVE": "evaluate it: edgekit evaluate --against float",
}
"""The same where another limit of gate.toml decided."""
SHOWN = 12
HOW = (
    "Instructions of one inference, counted on a simulated core; the noise is the difference between two processes. "
    "Cycles are estimated by a model of the core. No latency was measured."
)


def row(result: CountGate) -> tuple[str, ...]:
    """The cells of a result under ``HEADINGS``."""
    sides = ["-" if one is None else millions(one.counts.instructions) for one in (result.baseline, result.candidate)]
    changes = ["-" if ratio is None else f"{ratio - 1:+.4%}" for ratio in (result.ratio, result.cycles_ratio)]
    return (
        result.status,
        result.model,
        f"{result.profile} {result.placing}",
        result.device.id,
        *sides,
        *changes,
        "-" if result.noise is None else f"{result.noise:.0e}",
    )


def remarks(result: CountGate) -> list[str]:
    """What has to be known beside the table: why, what grew, what to do next."""
    lines = [result.reason]
    if result.status == "FAIL" and result.baseline is not None and result.candidate is not None:
        lines += [f"grew: {line}" for line in grown(result.baseline, result.candidate)[:SHOWN]]
    lines += result.notes
    steps = NEXT if result.decided_by == "growth" else NEXT_LIMIT
    if steps[result.status]:
        lines.append(f"next: {steps[result.status]}")
    return lines


def headline(results: Sequence[CountGate]) -> str:
    """The whole run in a sentence."""
    counts = {status: sum(result.status == status for result in results) for status in NEXT}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{len(results)} counted gate{'s' if len(results) != 1 else ''}: {said}"


def markdown(results: Sequence[CountGate]) -> str:
    """A table, and what each result that is not a PASS has to say."""
    lines = [MARKER, f"### edgekit gate: {headline(results)}", ""]
    lines += [f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    lines += [f"| {' | '.join(for_markdown(text) for text in row(result))} |" for result in results]
    for result in results:
        if result.status != "PASS":
            lines += ["", f"**{for_markdown(result.name)}: {result.status}**", ""]
            lines += [f"- {for_markdown(text)}" for text in remarks(result)]
    return "\n".join([*lines, "", HOW]) + "\n"
