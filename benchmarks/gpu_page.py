"""docs/results/gpu.md: the zoo on LiteRT's GPU accelerator, in words and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.forms.offered import offered_forms

Row = dict[str, Any]
KINDS = ("plain", "edgekit")
WHEN = {"plain": "before", "edgekit": "after"}
HEAD = (
    "network", "lowering", "form", "size", "operators", "on the GPU", "share", "pieces", "SQNR", "cosine", "error",
)  # fmt: skip
INTRODUCTION = """\
This page shows which operators of each family's default network LiteRT's GPU accelerator takes, and whether its outputs
are right. *Before* is the file that litert-torch exports from the untouched network. *After* is the file of
`edgekit export NETWORK --format tflite --target mobile-gpu`; its lowering is the *form*."""
LEGEND = """\
SQNR, cosine and the largest error compare the outputs with PyTorch's, in float32. The largest output stands beside the
error. A figure in **bold** is outside the tolerance of a float32 export."""
PLAYED = """\
- The adapter is a CPU that plays a GPU through Vulkan: what the accelerator takes and computes is real, but a
  time would mean nothing, so there is none. A phone's driver may refuse operators that this one runs."""
APART = "supported, but not in the piece of the network that was put on the GPU"
ONE_PIECE = """\
The accelerator puts one piece of a network on the GPU, so a single operator that it does not take leaves everything
behind it, or everything before it, on the CPU."""
ERRORS = """\
LiteRT reports success for wrong outputs, too. `edgekit profile --accelerator gpu` ends with an error in these cases: it
reads the accelerator's log, and compares the outputs of the artifact's check image."""
CAUSES = """\
Two causes are known, each seen on one operator alone (`tests/passes/test_gpu_traps.py` shows both):

- A group convolution whose groups' inputs or outputs are no multiple of four channels: commands are refused, or the
  process crashes. `align_groups` merges as few neighbouring groups as fill vectors of four.
- A PAD with zeros before an AVERAGE_POOL_2D: the accelerator leaves the zeros out of the average, so the values at the
  border are wrong, without any message. `pool_as_depthwise` writes such pooling as a convolution."""


def page(found: dict[str, Any]) -> str:
    """The page of what ``benchmarks.gpu_share`` found."""
    rows: list[Row] = found["rows"]
    parts = [
        "# The zoo on a GPU",
        INTRODUCTION,
        conditions(found),
        *summary(rows),
        "## How much the GPU takes",
        overview(rows),
        LEGEND,
        forms(rows),
        *left_to_the_cpu(rows),
        *not_right(rows),
        "`python -m benchmarks.gpu_share` makes this page; the figures are in `benchmarks/results/gpu.json`.",
    ]
    return "\n\n".join(parts) + "\n"


def conditions(found: dict[str, Any]) -> str:
    """What was measured with, as a list."""
    adapters = sorted({row["adapter"] for row in found["rows"] if row["adapter"]})
    lines = [f"- LiteRT {found['litert']}, its GPU accelerator computing in float32; one photo; {found['date']}."]
    drivers = found["drivers"]
    lines += [f"- Adapter {name}; driver {drivers.get(name, 'unknown to the Vulkan loader')}." for name in adapters]
    if any(row["emulated"] for row in found["rows"]):
        lines.append(PLAYED)
    return "\n".join(lines)


def summary(rows: list[Row]) -> list[str]:
    """How many networks run as a whole and rightly, before and after."""
    counts = []
    for kind in KINDS:
        these = [row for row in rows if row["kind"] == kind]
        if these:
            good = sum(whole(row) and right(row) for row in these)
            counts.append(f"{WHEN[kind]} lowering {good} of {len(these)}")
    return [f"Networks that run on the GPU as a whole, with right outputs: {', '.join(counts)}."] if counts else []


def whole(row: Row) -> bool:
    """True when every operator ran on the GPU."""
    return bool(row["gpu_ops"] == row["ops"])


def right(row: Row) -> bool:
    """True when it ran, and the outputs are PyTorch's."""
    return not row["error"] and not row["wrong"]


def overview(rows: list[Row]) -> str:
    """A line per network and export."""
    return table(HEAD, [line(row) for row in rows])


def line(row: Row) -> tuple[str, ...]:
    """A row's cells."""
    share = "-" if row["gpu_ops"] is None else f"{row['gpu_ops'] / row['ops']:.1%}".replace("100.0%", "100%")
    cells = [f"`{row['model']}`", WHEN[row["kind"]], row["form"], f"{row['size_bytes'] / 1e6:.1f} MB", str(row["ops"])]
    cells += [text(row["gpu_ops"]), share, text(row["partitions"])]
    if row["error"]:
        return (*cells, "**does not run**", "-", "-")
    mark = "**" if row["wrong"] else ""
    errors = (f"{row['sqnr_db']:.0f} dB", f"{row['cosine']:.6f}", f"{row['max_abs']:.1e} of {row['output_max']:.1e}")
    return (*cells, *(f"{mark}{error}{mark}" for error in errors))


def forms(rows: list[Row]) -> str:
    """What the forms of edgekit's files do, as a list; those of a table of the user's own are not known here."""
    reasons = {form.name: form.reason for form in offered_forms("tflite", "fp32", "mobile-gpu")}
    used = dict.fromkeys(row["form"] for row in rows if row["kind"] == "edgekit" and row["form"] in reasons)
    return "\n".join(f"- `{name}`: {reasons[name]}." for name in used)


def left_to_the_cpu(rows: list[Row]) -> list[str]:
    """Per network, the operators that stay on the CPU with the accelerator's reason."""
    lines = []
    for row in rows:
        if row["gpu_ops"] is None or whole(row):
            continue
        named = blocking(row)
        apart = row["ops"] - row["gpu_ops"] - sum(row["kinds"][name] for name in named)
        told = [(name, str(row["kinds"][name]), why) for name, why in named.items()]
        if apart > 0:
            told.append(("all other types", str(apart), APART))
        lines += [(f"`{row['model']}`", WHEN[row["kind"]], *one) for one in told]
    if not lines:
        return []
    head = ("network", "lowering", "operator", "in the file", "why")
    return ["## What stays on the CPU", table(head, lines), ONE_PIECE]


def blocking(row: Row) -> dict[str, str]:
    """The operator types of the file that the accelerator names as not supported, with its reason."""
    told = [reason.partition(":") for reason in row["reasons"]]
    return {name: why.strip().rstrip(".") for name, _, why in told if name in row["kinds"]}


def not_right(rows: list[Row]) -> list[str]:
    """The networks that fail or whose outputs are wrong, each with what was seen."""
    lines = [
        f"- `{row['model']}`, {WHEN[row['kind']]} lowering: {row['error'] or '; '.join(row['wrong'])}."
        for row in rows
        if not right(row)
    ]
    if not lines:
        return []
    return ["## What does not run, or wrongly", ERRORS, "\n".join(lines), CAUSES]


def table(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *lines))


def text(number: int | None) -> str:
    """A figure, or a dash where there is none."""
    return "-" if number is None else str(number)
