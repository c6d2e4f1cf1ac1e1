"""What an artifact's time goes into, by operator, plain beside edgekit's: ``python -m benchmarks.operator_shares``.

Takes the artifacts that ``benchmarks.bench`` has made (``--cache``). Each launch profiles one artifact in a process of
its own with the runtime's own profiler; plain and edgekit take turns, and a figure is the median over the launches. The
profiler times operators one by one, so that the sum is longer than an inference. Prints Markdown.
"""
# ruff: noqa: T201 - a program, not a part of the package: it prints

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from edgekit.base.folders import benchmark_folder
from edgekit.bench.launch import call_agent
from edgekit.catalog import find_card
from edgekit.errors import EdgekitError, UsageError
from edgekit.types import RUNTIME_OF, Format, Precision

from .cells import table
from .edgekit_exports import edgekit_export
from .exports import FORMATS, PRECISIONS
from .figures import RUNTIME_NAMES
from .plain_exports import plain_export

Shares = dict[str, tuple[float, int]]
"""Milliseconds and number of operators, by type."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a network of the benchmark")
    parser.add_argument("--format", choices=FORMATS, default="tflite", help="the runtime's format (%(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="(%(default)s)")
    parser.add_argument("--cache", type=Path, default=benchmark_folder(), help="of benchmarks.bench (%(default)s)")
    parser.add_argument("--launches", type=int, default=7, help="of each artifact (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        print(page(options.model, options.format, options.precision, options.cache, options.launches))
    except EdgekitError as error:
        print(f"error: {error}" + (f"\n  {error.hint}" if error.hint else ""), file=sys.stderr)
        return error.exit_code
    return 0


def page(model: str, format_: Format, precision: Precision, cache: Path, launches: int) -> str:
    """The table of one network.

    Raises:
        UsageError: edgekit's artifact was not made yet.
        ToolError: the plain export failed, or the runtime cannot time operators.
    """
    card = find_card(model)
    sides = {
        "plain": plain_export(card, format_, precision, cache),
        "edgekit": edgekit_export(card, format_, precision, cache),
    }
    for name, made in sides.items():
        if made.model_file is None:
            raise UsageError(
                f"no {name} artifact of {card.id}: {made.error}", "run python -m benchmarks.bench --build-only"
            )
    seen: dict[str, list[Shares]] = {name: [] for name in sides}
    for _ in range(launches):
        for name, made in sides.items():
            seen[name].append(launch(RUNTIME_OF[format_], str(made.model_file)))
    return f"{card.id}, {RUNTIME_NAMES[format_]} {precision}, {launches} launches:\n\n{rendered(seen)}"


def launch(runtime: str, model: str) -> Shares:
    """One launch's times."""
    request = {"command": "per_op", "runtime": runtime, "model": model, "threads": 1}
    answer = call_agent(request, 120, f"profiling {model}")
    if answer["per_op"] is None:
        raise UsageError(answer["note"])
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for operator in answer["per_op"]:
        times[operator["type"]] += operator["ns"]
        counts[operator["type"]] += 1
    return {kind: (times[kind] / 1e6, counts[kind]) for kind in times}


def rendered(seen: dict[str, list[Shares]]) -> str:
    """Markdown: a line for each type, the longest first."""
    medians = {name: medians_of(launches) for name, launches in seen.items()}
    kinds = sorted({kind for found in medians.values() for kind in found}, key=lambda kind: -longest(medians, kind))
    lines = [[kind, *(cell(found.get(kind), total(found)) for found in medians.values())] for kind in kinds]
    lines.append(["all", *(f"{total(found):.2f} ms" for found in medians.values())])
    return table(["operator", *medians], lines)


def medians_of(launches: list[Shares]) -> Shares:
    """The median time of each type over the launches."""
    return {
        kind: (statistics.median(one[kind][0] for one in launches), launches[0][kind][1])
        for kind in launches[0]
        if all(kind in one for one in launches)
    }


def longest(medians: dict[str, Shares], kind: str) -> float:
    """The longest time that a type takes on either side."""
    return max(found.get(kind, (0.0, 0))[0] for found in medians.values())


def total(found: Shares) -> float:
    """Of all types, ms."""
    return sum(ms for ms, _ in found.values())


def cell(value: tuple[float, int] | None, whole: float) -> str:
    """Milliseconds, share and number of operators."""
    return "-" if value is None else f"{value[0]:.2f} ms, {value[0] / whole:.0%} ({value[1]})"


if __name__ == "__main__":
    sys.exit(main())
