"""The part of the page about counting that tells of the forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .form_choice import Choice, choose, mean_ratio
from .markdown import table

HEAD = (
    "`python -m benchmarks.counting.forms` exports the forms in which edgekit can write a network, counts each on the "
    "simulated board, and compares the estimated cycles with those of the library's own export (plain); random "
    "weights, one thread, one process. `benchmarks/results/forms.json` has every figure, also which forms were refused "
    "or not counted. The tables of defaults for ARM follow from it. Ratios below 1: edgekit's artifact takes less. The "
    "cycles are an estimate of the model: [where it fails](../explanation/counting.md#where-it-fails)."
)
HALF = (
    "Plain is litert-torch's float32 file with its weights cast to float16 by ai-edge-quantizer. Nothing in it allows "
    "float16 arithmetic, so XNNPACK computes it in float32; edgekit's file allows it where the trial of the export "
    "passed."
)
HEADINGS = [
    "network",
    "runtime",
    "board",
    "form",
    "plain: M instructions",
    "edgekit: M instructions",
    "ratio of instructions",
    "plain: M cycles",
    "edgekit: M cycles",
    "ratio of cycles",
    "other forms: M cycles",
]
RUNTIMES = {"onnxruntime": "ONNX Runtime", "litert": "LiteRT"}


def forms(rows: Sequence[dict[str, Any]]) -> str:
    """The section."""
    parts = [f"## The forms for ARM\n\n{HEAD}"]
    for precision in sorted({row["precision"] for row in rows}, reverse=True):
        chosen = [choose(row) for row in rows if row["precision"] == precision]
        parts.append(f"### {precision}")
        if precision == "fp16":
            parts.append(HALF)
        parts.append(table(HEADINGS, [cells(one) for one in chosen]))
        parts.append("\n".join(means(chosen)))
    return "\n\n".join(parts)


def cells(choice: Choice) -> list[str]:
    """A line of the table."""
    row, plain = choice.row, choice.row["plain"]
    others = ", ".join(f"{one['name']} {one['cycles'] / 1e6:.1f}" for one in choice.others)
    return [
        row["model"],
        f"{RUNTIMES[row['runtime']]} {row['runtime_version']}",
        row["device"],
        choice.form["name"],
        f"{plain['instructions'] / 1e6:.1f}",
        f"{choice.form['instructions'] / 1e6:.1f}",
        f"{choice.instructions:.2f}",
        f"{plain['cycles'] / 1e6:.1f}",
        f"{choice.form['cycles'] / 1e6:.1f}",
        f"{choice.cycles:.2f}",
        others or "-",
    ]


def means(chosen: Sequence[Choice]) -> list[str]:
    """For each board: the geometric mean over its networks and runtimes, and the worst of them."""
    lines = []
    for device in dict.fromkeys(one.row["device"] for one in chosen):
        here = [one for one in chosen if one.row["device"] == device]
        worst = max(here, key=lambda one: one.cycles)
        lines.append(
            f"- {device}: the plain exports take {mean_ratio(here):.2f} times the estimated cycles of edgekit's in the "
            f"geometric mean of {len(here)} artifacts; the least gain is {worst.row['model']} on "
            f"{RUNTIMES[worst.row['runtime']]}, {worst.cycles:.2f} of plain"
        )
    return lines
