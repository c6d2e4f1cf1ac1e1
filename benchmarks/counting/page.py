"""The page about counting, from its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .form_page import forms
from .markdown import table

HEAD = (
    "`python -m benchmarks.counting --write` makes this page; every figure is in `benchmarks/results/counting.json`. "
    "What is counted and what the model is: [Counted, not measured](../explanation/counting.md)."
)
SAME = (
    "The same networks on one runtime ({runtime}, its aarch64 wheel) on both sides, one thread. The published times "
    "are those of ncnn's own benchmark table, of another version of ncnn than the one that is counted. Nothing of the "
    "model is fitted to them."
)
FRESH = (
    "Fresh processes on a machine that does other work; the spread is the largest minus the smallest, over the "
    "smallest. Every process is the baseline of every other."
)
KINDS = {"float32": "float, which ncnn computes in float16 where the core can", "int8": "int8"}
BOARDS = {"sim-rpi4": "Raspberry Pi 4", "sim-rpi5": "Raspberry Pi 5", "sim-a53": "Raspberry Pi 3 B+"}


def page(figures: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """The whole page, with a final newline; ``rows`` are those of the forms."""
    parts = [
        "# Counts in figures",
        HEAD,
        published(figures["published"]),
        forms(rows),
        repeats(figures["repeat"], figures["itself"]),
        faults(figures["faults"]),
        conditions(figures["conditions"]),
    ]
    return "\n\n".join(parts) + "\n"


def published(figures: dict[str, Any]) -> str:
    """Modelled against published milliseconds; a dash for what was not counted."""
    boards = figures["boards"]
    what = ("modelled ms", "published ms", "ratio")
    headings = ["network", *(f"{BOARDS[name]}: {heading}" for name in boards for heading in what)]
    rows = []
    for network in dict.fromkeys(network for board in boards.values() for network in board["networks"]):
        row = [network]
        for board in boards.values():
            one = board["networks"].get(network)
            row += ["-"] * 3 if one is None else times(one["modelled_ms"], one["published_ms"])
        rows.append(row)
    errors = [
        f"- {BOARDS[name]} ({board['core']}), {KINDS[kind]}: {words(board[kind])}"
        for name, board in boards.items()
        for kind in ("float32", "int8")
        if board[kind]
    ]
    head = f"## The cycle model against published times\n\n{SAME.format(runtime=figures['runtime'])}"
    return "\n\n".join([head, table(headings, rows), "\n".join(errors)])


def times(modelled_ms: float, published_ms: float) -> list[str]:
    """Two times and their ratio."""
    return [f"{modelled_ms:.1f}", f"{published_ms:g}", f"{modelled_ms / published_ms:.2f}"]


def words(found: dict[str, float]) -> str:
    """The errors of some networks in words."""
    said = (
        f"{found['median_ratio']:.2f} of the published time in the median, median error {found['median_error']:.0%}, "
        f"largest {found['largest_error']:.0%}"
    )
    if "rank" in found:
        said += f", rank correlation {found['rank']:.2f} (instructions alone {found['rank_of_instructions']:.2f})"
    return said


def repeats(found: list[dict[str, Any]], itself: list[dict[str, Any]]) -> str:
    """How far counts repeat."""
    rows = [
        [
            f"{one['model']} {one['profile']}",
            one["device"],
            one["runtime"],
            str(one["processes"]),
            f"{max(one['instructions']):,}",
            f"{one['spread']:.1e}",
            f"{one['cycles_spread']:.1e}",
            ends(gates),
        ]
        for one, gates in zip(found, itself, strict=True)
    ]
    headings = ["artifact", "device", "runtime", "processes", "instructions", "spread", "spread of estimated cycles"]
    headings.append("gates of the artifact against itself")
    return f"## Do counts repeat?\n\n{FRESH}\n\n{table(headings, rows)}\n\n{alarms(itself)}"


def alarms(itself: list[dict[str, Any]]) -> str:
    """How many of the gates of artifacts against themselves failed, at each tolerance."""
    said = []
    for tolerance in itself[0]["ends"]:
        counts = [one["ends"][tolerance] for one in itself]
        failed, open_ = (sum(count.get(status, 0) for count in counts) for status in ("FAIL", "INCONCLUSIVE"))
        said.append(f"at {float(tolerance):.2%} {failed} false alarms and {open_} without a decision")
    return f"Of {sum(one['gates'] for one in itself)} gates of artifacts against themselves: {'; '.join(said)}."


def ends(gates: dict[str, Any]) -> str:
    """How the gates of an artifact against itself ended."""
    said = [
        f"{float(tolerance):.2%}: " + ", ".join(f"{count} {status}" for status, count in counts.items())
        for tolerance, counts in gates["ends"].items()
    ]
    return "; ".join(said)


def faults(found: list[dict[str, Any]]) -> str:
    """What the gate finds of faults."""
    rows = [
        [
            one["fault"],
            f"{one['model']} {one['profile']}, {one['device']}",
            f"{one['instructions']:+.3%}",
            f"{one['cycles']:+.3%}",
            one["usual"],
            one["fine"],
            "; ".join(one["named"]) or "-",
        ]
        for one in found
    ]
    headings = [
        "fault",
        "artifact",
        "instructions",
        "estimated cycles",
        "gate at 0.5 %",
        "gate at 0.01 %",
        "what it names first",
    ]
    return "## Does the gate find faults?\n\n" + table(headings, rows)


def conditions(found: dict[str, str]) -> str:
    """With what it was counted."""
    return "## Conditions\n\n" + "\n".join(f"- {name}: {value}" for name, value in found.items())
