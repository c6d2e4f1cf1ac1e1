"""The outcomes of many exports as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...artifacts.tasks import Outcome
from .console import error_lines
from .export import provenance_lines

HEAD = ("model", "profile", "result", "s", "CPU s", "MB", "SQNR dB")


def outcome_table(outcomes: Sequence[Outcome], seconds: float) -> list[str]:
    """A row per artifact, the reasons of what failed, the counts."""
    rows = [row(outcome) for outcome in outcomes]
    widths = [max(len(r[i]) for r in (HEAD, *rows)) for i in range(len(HEAD))]
    lines = [aligned(HEAD, widths), *(aligned(r, widths) for r in rows)]
    for outcome in outcomes:
        if outcome.error is not None:
            lines += ["", f"{outcome.status}: {outcome.model} {outcome.profile}"]
            lines += error_lines(outcome.error)
        if outcome.layers_error is not None:
            lines += ["", f"layers not measured: {outcome.model} {outcome.profile}", *error_lines(outcome.layers_error)]
    counts = Counter(map(result, outcomes))
    spent = sum(outcome.cpu_seconds for outcome in outcomes)
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    weights = [line for line in provenance_lines(outcomes) if line.startswith(("weights: random", "calibration: "))]
    return [*lines, "", *weights, f"{said}; {seconds:.1f} s, {spent:.1f} CPU s in child processes"]


def result(outcome: Outcome) -> str:
    """``from cache``, or the status."""
    return "from cache" if outcome.cached else outcome.status


def row(outcome: Outcome) -> tuple[str, ...]:
    """The cells of one artifact; a dash for what there is not."""
    artifact = outcome.artifact
    return (
        outcome.model,
        outcome.profile,
        result(outcome),
        f"{outcome.seconds:.1f}",
        "-" if outcome.cached else f"{outcome.cpu_seconds:.1f}",
        "-" if artifact is None else f"{artifact.size_bytes / 1e6:.2f}",
        "-" if artifact is None else f"{artifact.proof[0].sqnr_db:.1f}",
    )


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, figures to the right."""
    words = [c.ljust(w) for c, w in zip(cells[:3], widths[:3], strict=True)]
    return "  ".join([*words, *(c.rjust(w) for c, w in zip(cells[3:], widths[3:], strict=True))])


def summary_line(outcome: Outcome) -> str:
    """One finished artifact in a line."""
    model, profile, said, *figures = row(outcome)
    units = ("s", "CPU s", "MB", "dB")
    given = [f"{figure} {unit}" for figure, unit in zip(figures, units, strict=True) if figure != "-"]
    return f"{said:<18} {model} {profile}: {', '.join(given)}"
