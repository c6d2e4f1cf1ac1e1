"""Compare edgekit's agent with the runtimes' own benchmark programs: ``python against_native_tools.py MODEL...``.

For each .xml (benchmark_app) and .tflite (litert-benchmark) it alternates the native tool and the agent, both in fresh
processes with the same number of threads, and prints the ratio of the medians of every round.
"""

# ruff: noqa: T201 - a program, not a package; it prints

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from edgekit.bench.launch import call_agent
from edgekit.stats import trimmed_ratio

TOLERANCE = 0.10


def benchmark_app(model: Path, threads: int, seconds: float) -> float:
    """Median latency by OpenVINO's tool, ms; ``-nthreads`` needs ``-hint none``, hence one stream by hand."""
    output = run(
        ["benchmark_app", "-m", str(model), "-d", "CPU", "-api", "sync", "-hint", "none", "-nstreams", "1", "-nireq",
         "1", "-nthreads", str(threads), "-infer_precision", "f32", "-t", f"{seconds:.0f}"]
    )  # fmt: skip
    return float(found(r"Median:\s+([\d.]+) ms", output))


def litert_benchmark(model: Path, threads: int, seconds: float) -> float:
    """Median latency by LiteRT's tool, milliseconds. It counts runs, so ``seconds`` is turned into a count."""
    del seconds
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        run(
            ["litert-benchmark", "--model", str(model), "--num_threads", str(threads), "--warmup_runs", "50",
             "--num_runs", "200", "--result_json", str(result)]
        )  # fmt: skip
        return float(json.loads(result.read_text())["latency"]["median_ms"])


def run(command: list[str]) -> str:
    """Output of a tool of this environment; its failure ends the program."""
    tool = Path(sys.executable).with_name(command[0])
    done = subprocess.run([str(tool), *command[1:]], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def found(pattern: str, text: str) -> str:
    """The pattern's group in ``text``; its absence ends the program."""
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"no {pattern!r} in:\n{text[-2000:]}")
    return match.group(1)


def agent(model: Path, runtime: str, threads: int, seconds: float) -> float:
    """Median latency by the agent, milliseconds, over the same time as the native tool."""
    request = {"command": "bench", "runtime": runtime, "model": str(model), "threads": threads, "min_s": seconds,
               "max_s": seconds}  # fmt: skip
    return float(statistics.median(call_agent(request, 120, f"measuring {model.name}")["samples_ns"])) / 1e6


NATIVE = {
    ".xml": ("benchmark_app", "openvino", benchmark_app),
    ".tflite": ("litert-benchmark", "litert", litert_benchmark),
}


def compare(model: Path, threads: int, rounds: int, seconds: float) -> bool:
    """Print the rounds of one model; True when the ratio's interval is within the tolerance."""
    name, runtime, native = NATIVE[model.suffix]
    print(f"{model.name}, {threads} thread(s): edgekit against {name}")
    logs = []
    for number in range(rounds):
        # Each goes first in every other round, so that a drift of the machine favours neither.
        if number % 2:
            ours, theirs = agent(model, runtime, threads, seconds), native(model, threads, seconds)
        else:
            theirs, ours = native(model, threads, seconds), agent(model, runtime, threads, seconds)
        logs.append(math.log(ours / theirs))
        print(f"  round {number + 1}: {name} {theirs:8.3f} ms   edgekit {ours:8.3f} ms   ratio {ours / theirs:.3f}")
    ratio, low, high = trimmed_ratio(logs)
    inside = low >= 1 - TOLERANCE and high <= 1 + TOLERANCE
    verdict = "agree" if inside else "DIFFER" if abs(ratio - 1) > TOLERANCE else "undecided, the machine is too noisy"
    print(f"  ratio {ratio:.3f}, 95 % interval {low:.3f}-{high:.3f}: {verdict}")
    return inside


def main() -> None:
    """Compare each model of the command line; exit code 1 when one is not shown to be within 10 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    for model in options.models:
        if model.suffix not in NATIVE:
            parser.error(f"{model}: only {', '.join(NATIVE)} have a native tool here")
    agreed = [compare(model, options.threads, options.rounds, options.seconds) for model in options.models]
    sys.exit(0 if all(agreed) else 1)


if __name__ == "__main__":
    main()
