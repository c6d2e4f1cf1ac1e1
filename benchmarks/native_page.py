"""docs/results/native-tools.md: the agent against the runtimes' own tools, and what the agent adds to an inference."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit.base.stats import trimmed_ratio

from .agent_overhead import LIMIT_US, NOTHING, verdict

TOLERANCE = 0.10
"""How far the agent's latency may be from the native tool's."""
OVERHEAD_NAMES = {
    NOTHING: "a Python function without a body",
    "onnxruntime": "ONNX Runtime, one Identity",
    "openvino": "OpenVINO, one Identity",
    "litert": "LiteRT, one RESHAPE",
}


@dataclass(frozen=True)
class Agreement:
    """A case on a model: edgekit's latency over the tool's, with its 95 % interval, and what that says."""

    case: str
    model: str
    threads: int
    precision: str
    rounds: int
    native_ms: float
    edgekit_ms: float
    ratio: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``agrees`` or ``differs`` only when the whole interval is within the tolerance, or outside."""
        if self.low >= 1 - TOLERANCE and self.high <= 1 + TOLERANCE:
            return "agrees"
        return "differs" if self.low > 1 + TOLERANCE or self.high < 1 - TOLERANCE else "undecided"


def agreement(rounds: Sequence[Mapping[str, Any]]) -> list[Agreement]:
    """The rounds by case and model.

    Raises:
        ValueError: fewer than five rounds of one.
    """
    found = []
    for case, model in dict.fromkeys((one["case"], one["model"]) for one in rounds):
        mine = [one for one in rounds if (one["case"], one["model"]) == (case, model)]
        ratio, low, high = trimmed_ratio([math.log(one["edgekit_ms"] / one["native_ms"]) for one in mine])
        native, ours = (statistics.median(one[side] for one in mine) for side in ("native_ms", "edgekit_ms"))
        found.append(Agreement(case, model, mine[0]["threads"], mine[0]["precision"], len(mine), native, ours,
                               ratio, low, high))  # fmt: skip
    return found


def page(results: Mapping[str, Any]) -> str:
    """The whole page."""
    rows = agreement(results["rounds"])
    parts = [
        "# edgekit against the runtimes' own tools",
        (
            "`python -m benchmarks.against_native_tools --write` makes this page; every round is in "
            "`benchmarks/results/native_tools.json`."
        ),
        where(results),
        "## Latency",
        (
            "In each round the tool and edgekit's agent measure the same file one after the other, in fresh processes. "
            "They take turns at being first, and use the number of threads that the tool reports. *Ratio* is edgekit "
            "/ tool: the 20 %-trimmed mean over the rounds of the logarithm of the two medians, with Yuen's 95 % "
            f"interval. It *agrees* when the whole interval is within {TOLERANCE:.0%}, *differs* when the whole is "
            "outside, and is *undecided* otherwise."
        ),
        latency_table(rows),
        (
            "benchmark_app gets `-infer_precision f32 -ip f32`, as edgekit runs a float32 file, except where the "
            "table says *its own precision and u8 input*: that is the plain command, with the type that the plugin "
            "chooses on both sides, and the input converted inside its graph. Its clock is inside the "
            "runtime; the agent's is around the Python call, and so is litert-benchmark's."
        ),
        "## What the agent adds to an inference",
        (
            "A graph that does nothing runs in blocks, each twice: in a bare loop of the runtime's own call between "
            "two readings of the clock, and in the agent's sampling loop. *Added* is the difference of the loops for "
            "each inference, work between samples included; *in a sample* is the part inside a reported latency. "
            "Medians "
            f"of the blocks with their 95 % intervals. The limit is {LIMIT_US:g} us."
        ),
        overhead_table(results["overhead"]),
        sums(rows, results["overhead"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def where(results: Mapping[str, Any]) -> str:
    """The machine, the versions and how busy it was."""
    seen, loads = results["conditions"], [one["load_1m"] for one in results["rounds"]]
    governor = ", ".join(sorted(set((seen["governor"] or {}).values()))) or "unknown"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(seen["versions"].items()))
    middle = statistics.median(loads)
    lines = [
        f"- {seen['cpu']}, {seen['cores']} cores, {seen['target']}; {seen['system']}; governor {governor}",
        f"- {versions}, Python {seen['python']}; edgekit at {seen['commit']}",
        (
            f"- {seen['date']}, {results['minutes']:.1f} minutes, {seen['seconds']:g} s a launch; "
            f"load {seen['load_before']:.1f} before, {middle:.1f} in the middle and {max(loads):.1f} at most, our own "
            "included"
        ),
    ]
    if middle > seen["cores"]:
        lines.append(
            f"- **The machine was busy**: more runnable tasks ({middle:.1f}) than cores ({seen['cores']}). The figures "
            "are valid with these intervals; an idle machine gives narrower ones."
        )
    return "\n".join(lines)


def latency_table(rows: Sequence[Agreement]) -> str:
    """One line a case and model."""
    lines = [
        "| tool | model | threads | computed in | tool ms | edgekit ms | ratio | rounds | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{command(row.case)}`{remark(row.case)} | {row.model} | {row.threads} | {row.precision} | "
        f"{row.native_ms:.3f} | {row.edgekit_ms:.3f} | {row.ratio:.3f} ({row.low:.3f} to {row.high:.3f}) | "
        f"{row.rounds} | {row.verdict} |"
        for row in rows
    ]
    return "\n".join(lines)


def command(case: str) -> str:
    """What of a case's name is typed."""
    return case.partition(",")[0]


def remark(case: str) -> str:
    """The rest of it."""
    return "".join(case.partition(",")[1:])


def overhead_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """One line a runtime."""
    lines = [
        "| graph | the runtime's own call, us | a sample, us | in a sample, us | added, us | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {OVERHEAD_NAMES[name]} | {one['bare_us']:.2f} | {one['samples_us']:.2f} | {spread(one['in_sample_us'])} | "
        f"{spread(one['added_us'])} | {verdict(one)} {LIMIT_US:g} us |"
        for name, one in found.items()
    ]
    native = found.get("openvino", {}).get("native_us")
    if native is not None:
        lines += ["", (
            f"OpenVINO's own clock, which benchmark_app reports, says {native:.2f} us of the same inference: the "
            "rest of the sample is its Python call and the agent's clock."
        )]  # fmt: skip
    return "\n".join(lines)


def spread(figures: Sequence[float]) -> str:
    """A median with its interval."""
    return f"{figures[0]:.2f} ({figures[1]:.2f} to {figures[2]:.2f})"


def sums(rows: Sequence[Agreement], found: Mapping[str, Mapping[str, Any]]) -> str:
    """The verdicts in one sentence each."""
    words = ("agrees", "undecided", "differs")
    counted = ", ".join(f"{sum(row.verdict == word for row in rows)} {word}" for word in words)
    below = sum(verdict(one) == "below" for one in found.values())
    return (
        f"Of {len(rows)} comparisons: {counted}. The agent adds less than {LIMIT_US:g} us in {below} of {len(found)} "
        "graphs."
    )
