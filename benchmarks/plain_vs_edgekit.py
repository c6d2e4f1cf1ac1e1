"""What the rewrites bring: ``python plain_vs_edgekit.py MODEL... [--precision int8]``.

Each model is exported twice with the same weights and the same converters: plain (no rewrite) and with the profile's
rewrites. Both are measured in alternating fresh processes; the table gives plain / edgekit, above 1 = edgekit faster.
"""

# ruff: noqa: INP001, T201 - a program, not a package; it prints

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from pathlib import Path

from edgekit.bench.launch import call_agent
from edgekit.catalog import profile_for
from edgekit.stats import trimmed_ratio
from edgekit.types import Artifact, ExportProfile
from edgekit.workflows.export import Outcome, export
from edgekit.workflows.prepare import ExportOptions

HEAD = (
    f"{'model':<26} {'profile':<14} {'plain ms':>9} {'edgekit ms':>10} {'ratio':>6} {'95 % interval':>14} "
    f"{'SQNR dB':>11} {'transposes':>10} {'partitions':>10}"
)


def pair(model: str, profile: ExportProfile, out: Path) -> tuple[Outcome, Outcome]:
    """The plain and the rewritten export of one model."""
    plain = profile.model_copy(update={"name": f"{profile.name}-plain", "rewrites": ()})
    first, second = export([model], [plain, profile], ExportOptions(out=out), lambda _: None)
    return first, second


def latency_ms(outcome: Outcome, threads: int, seconds: float) -> float:
    """Median latency of a fresh process."""
    assert outcome.artifact is not None
    assert outcome.folder is not None
    request = {
        "command": "bench",
        "runtime": outcome.artifact.runtime,
        "model": str((outcome.folder / outcome.artifact.model_file).resolve()),
        "threads": threads,
        "min_s": seconds,
        "max_s": seconds,
    }
    return statistics.median(call_agent(request, 120, "measuring")["samples_ns"]) / 1e6


def compare(plain: Outcome, ours: Outcome, threads: int, rounds: int, seconds: float) -> str:
    """One line of the table."""
    rows = []
    for number in range(rounds):
        order = (plain, ours) if number % 2 else (ours, plain)
        times = {id(outcome): latency_ms(outcome, threads, seconds) for outcome in order}
        rows.append((times[id(plain)], times[id(ours)]))
    ratio, low, high = trimmed_ratio([math.log(p / o) for p, o in rows])
    before, after = (statistics.median(column) for column in zip(*rows, strict=True))
    audits = [o.artifact for o in (plain, ours) if isinstance(o.artifact, Artifact)]
    both = [" / ".join(str(value(a)) for a in audits) for value in (sqnr, transposes, partitions)]
    return (
        f"{ours.model:<26} {ours.profile:<14} {before:9.2f} {after:10.2f} {ratio:6.2f} {low:6.2f}-{high:<7.2f} "
        f"{both[0]:>11} {both[1]:>10} {both[2]:>10}"
    )


def sqnr(artifact: Artifact) -> int:
    """Parity, dB."""
    return round(artifact.parity.sqnr_db)


def transposes(artifact: Artifact) -> int:
    """Executed transposes."""
    return artifact.audit.transposes


def partitions(artifact: Artifact) -> int | str:
    """Delegate partitions, or a dash."""
    return "-" if artifact.audit.delegate_partitions is None else artifact.audit.delegate_partitions


def main() -> None:
    """Print the table; exit code 1 when an export failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--format", action="append", choices=("onnx", "tflite", "openvino"))
    parser.add_argument("--precision", action="append", choices=("fp32", "int8"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    failed = False
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as folder:
        for model in options.models:
            for precision in options.precision or ("fp32", "int8"):
                for format_ in options.format or ("onnx", "tflite", "openvino"):
                    plain, ours = pair(model, profile_for(format_, precision), Path(folder))
                    broken = [o for o in (plain, ours) if o.error is not None]
                    for outcome in broken:
                        print(f"{outcome.model:<26} {outcome.profile}: {outcome.status}: {outcome.error}")
                        failed = True
                    if not broken:
                        print(compare(plain, ours, options.threads, options.rounds, options.seconds), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
