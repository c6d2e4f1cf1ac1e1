"""edgekit's agent against the runtimes' own benchmark programs: ``python -m benchmarks.against_native_tools``.

Every case alternates the native tool and the agent on one model, both in fresh processes, with the same threads: what
benchmark_app chooses is read from what it prints, and the agent is told the same. Then the agent's own overhead is
measured (``benchmarks.agent_overhead``). ``--write`` writes all of it to the page, the rounds to
``native_tools.json`` beside it.
"""
# ruff: noqa: T201 - a program, not a part of the package: it prints

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgekit.base.files import check_writable, write_atomic
from edgekit.base.stats import MIN_PAIRS
from edgekit.base.target import host_target
from edgekit.bench.launch import call_agent

from .agent_overhead import overheads
from .bench import commit
from .native_page import agreement, page
from .places import PAGES, RESULTS

MODEL = "mobilenet_v3"
"""Measured when no model is named."""


@dataclass(frozen=True)
class Told:
    """What a native tool says: its median, and how it ran."""

    median_ms: float
    threads: int
    streams: int = 1
    precision: str = "f32"


@dataclass(frozen=True)
class Case:
    """One comparison on equal terms.

    Attributes:
        name: in the table.
        suffix: of the models that it is about.
        runtime: the agent's name of it.
        tool: runs the native tool on a model for some seconds.
        cores: what the agent is pinned to; the tool sees to its own.
        precision: the agent's ``inference_precision``.
    """

    name: str
    suffix: str
    runtime: str
    tool: Callable[[Path, float], Told]
    cores: tuple[int, ...] | None = None
    precision: str = "f32"


def cases() -> list[Case]:
    """What is compared on this machine."""
    usable = sorted(os.sched_getaffinity(0))
    one, every = usable[-1], len(usable)
    latency, exact = ["-hint", "latency"], ["-infer_precision", "f32", "-ip", "f32"]
    by_hand = ["-hint", "none", "-api", "sync", "-nstreams", "1", "-nireq", "1", "-nthreads", "1"]

    def openvino(flags: list[str], core: int | None = None) -> Callable[[Path, float], Told]:
        return lambda model, seconds: benchmark_app(model, seconds, flags, core)

    def litert(threads: int) -> Callable[[Path, float], Told]:
        return lambda model, _: litert_benchmark(model, threads)

    return [
        Case("benchmark_app -hint latency, held to one core", ".xml", "openvino", openvino([*latency, *exact], one),
             cores=(one,)),
        Case("benchmark_app -hint latency", ".xml", "openvino", openvino([*latency, *exact])),
        Case("benchmark_app -hint latency, its own precision and u8 input", ".xml", "openvino", openvino(latency),
             precision="default"),
        Case("benchmark_app -hint none -nstreams 1 -nthreads 1", ".xml", "openvino", openvino([*by_hand, *exact])),
        Case("litert-benchmark --num_threads 1", ".tflite", "litert", litert(1)),
        *([Case(f"litert-benchmark --num_threads {every}", ".tflite", "litert", litert(every))] if every > 1 else []),
    ]  # fmt: skip


def benchmark_app(model: Path, seconds: float, flags: Sequence[str], core: int | None = None) -> Told:
    """OpenVINO's tool, on ``core`` alone when one is given. Its clock is inside the runtime."""
    command = ["benchmark_app", "-m", str(model), "-d", "CPU", *flags, "-t", f"{max(1, round(seconds))}"]
    output = run(command, core)
    return Told(
        float(found(r"Median:\s+([\d.]+) ms", output)),
        threads=int(found(r"INFERENCE_NUM_THREADS: (\d+)", output)),
        streams=int(found(r"NUM_STREAMS: (\d+)", output)),
        precision=found(r"INFERENCE_PRECISION_HINT: <Type: '(\w+)'>", output),
    )


def litert_benchmark(model: Path, threads: int) -> Told:
    """LiteRT's tool. It counts runs, and tells hundredths of a millisecond."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        run(["litert-benchmark", "--model", str(model), "--num_threads", str(threads), "--warmup_runs", "50",
             "--num_runs", "300", "--result_json", str(result)])  # fmt: skip
        return Told(float(json.loads(result.read_text())["latency"]["median_ms"]), threads)


def run(command: list[str], core: int | None = None) -> str:
    """Output of a tool of this environment; its failure ends the program."""
    tool = Path(sys.executable).with_name(command[0])
    pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
    done = subprocess.run([*pinned, str(tool), *command[1:]], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def found(pattern: str, text: str) -> str:
    """The pattern's group in ``text``; its absence ends the program."""
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"no {pattern!r} in:\n{text[-2000:]}")
    return match.group(1)


def ask_agent(case: Case, model: Path, threads: int, seconds: float) -> tuple[float, dict[str, Any]]:
    """The agent's median, milliseconds, over the time that the native tool has, and its settings."""
    request = {"command": "bench", "runtime": case.runtime, "model": str(model), "threads": threads,
               "cores": None if case.cores is None else list(case.cores), "inference_precision": case.precision,
               "min_s": seconds, "max_s": seconds}  # fmt: skip
    value = call_agent(request, 120, f"measuring {model.name}")
    return statistics.median(value["samples_ns"]) / 1e6, value["settings"]


def one_round(case: Case, model: Path, turn: int, threads: int, seconds: float) -> dict[str, Any]:
    """The tool and the agent after each other; each goes first in every other round: a drift favours neither."""
    load = os.getloadavg()[0]
    if turn % 2:
        (ours, settings), told = ask_agent(case, model, threads, seconds), case.tool(model, seconds)
    else:
        told, (ours, settings) = case.tool(model, seconds), ask_agent(case, model, threads, seconds)
    if (told.threads, told.streams) != (threads, 1):
        sys.exit(f"{case.name} ran {told.threads} threads in {told.streams} streams, the agent {threads} in one")
    print(f"  {told.median_ms:8.3f} ms   edgekit {ours:8.3f} ms   ratio {ours / told.median_ms:.3f}  {case.name}")
    return {"case": case.name, "model": "/".join(model.resolve().parts[-3:-1]), "native_ms": told.median_ms,
            "edgekit_ms": ours, "load_1m": load, "threads": threads, "precision": told.precision,
            "settings": settings}  # fmt: skip


def rounds(models: Sequence[Path], most: int, seconds: float, deadline: float) -> list[dict[str, Any]]:
    """All cases in turn, ``most`` times, or while another fits before the deadline; as often as an interval needs."""
    pairs = [(case, model) for case in cases() for model in models if model.suffix == case.suffix]
    # A short look first: how many threads the tool takes when it chooses, and files that nothing has read yet.
    threads = [case.tool(model, 1).threads for case, model in pairs]
    taken: list[dict[str, Any]] = []
    longest = 0.0
    for turn in range(most):
        begin = time.monotonic()
        if turn >= MIN_PAIRS and begin + longest > deadline:
            break
        print(f"round {turn + 1} of {most}, load {os.getloadavg()[0]:.1f}", flush=True)
        taken += [
            one_round(case, model, turn, count, seconds) for (case, model), count in zip(pairs, threads, strict=True)
        ]
        longest = max(longest, time.monotonic() - begin)
    return taken


def exported(folder: Path) -> list[Path]:
    """``MODEL`` as edgekit exports it, for both runtimes that have a tool."""
    for format_ in ("openvino", "tflite"):
        print(f"exporting {MODEL} for {format_}", flush=True)
        command = [sys.executable, "-m", "edgekit", "export", MODEL, "--format", format_, "--out", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            sys.exit(f"exporting {MODEL} failed:\n{done.stderr[-2000:]}")
    return sorted(path for path in folder.rglob("model.*") if path.suffix in (".xml", ".tflite"))


def conditions(options: argparse.Namespace) -> dict[str, Any]:
    """Where and when it is measured."""
    there = call_agent({"command": "info"}, 60, "asking the machine")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "target": host_target(),
        **{key: there["info"][key] for key in ("cpu", "cores", "isa", "python")},
        "system": "-".join(there["info"]["system"].split("-")[:2]),  # the kernel's version, not who built it
        "versions": there["versions"],
        "governor": there["state"]["governor"],
        "load_before": os.getloadavg()[0],
        "seconds": options.seconds,
    }


def main() -> None:
    """Compare, print and, with ``--write``, write the page; exit code 1 when a case is not shown to be within 10 %."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, help=f".xml and .tflite files; {MODEL} is exported without")
    parser.add_argument("--rounds", type=int, default=9, help="at most (%(default)s)")
    parser.add_argument("--minutes", type=float, default=5.5, help="for everything, if five rounds fit (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of measuring, each launch (%(default)s)")
    parser.add_argument(
        "--write", action="store_true", help="docs/results/native-tools.md and benchmarks/results/native_tools.json"
    )
    options = parser.parse_args()
    if options.rounds < MIN_PAIRS:
        parser.error(f"--rounds must be at least {MIN_PAIRS}: fewer give no interval")
    for model in options.models:
        if model.suffix not in (".xml", ".tflite"):
            parser.error(f"{model}: only .xml and .tflite have a native tool here")
    if options.write:
        check_writable(RESULTS, "")
        check_writable(PAGES, "")
    begin = time.monotonic()
    results: dict[str, Any] = {"conditions": conditions(options)}
    with tempfile.TemporaryDirectory() as folder:
        models = options.models or exported(Path(folder))
        results["overhead"] = overheads()
        results["rounds"] = rounds(models, options.rounds, options.seconds, begin + options.minutes * 60)
    results["minutes"] = (time.monotonic() - begin) / 60
    text = page(results)
    print(text)
    if options.write:
        write_atomic(RESULTS / "native_tools.json", json.dumps(results, indent=1) + "\n")
        write_atomic(PAGES / "native-tools.md", text)
    sys.exit(0 if all(row.verdict == "agrees" for row in agreement(results["rounds"])) else 1)


if __name__ == "__main__":
    main()
