"""What the agent adds to an inference: ``python -m benchmarks.agent_overhead``.

A model that does nothing is run in blocks, each twice: in a bare loop, N calls of the runtime's own function between
two looks at the clock, and N times through the agent's sampling loop, which looks at the clock around every call. What
the loops differ by is the agent's; the rest is the runtime's call. ``benchmarks.against_native_tools`` puts the
figures on its page.
"""
# ruff: noqa: T201 - a program, not a part of the package: it prints

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

from edgekit.agent.inputs import set_inputs
from edgekit.agent.runtimes.base import Runtime
from edgekit.agent.runtimes.choose import load_model, make_runtime
from edgekit.agent.runtimes.litert import LiteRT
from edgekit.agent.runtimes.onnxruntime import OnnxRuntime
from edgekit.agent.runtimes.openvino import OpenVINO
from edgekit.agent.sampling import sample
from edgekit.base.stats import median_ranks

from .empty_graphs import empty_graphs

LIMIT_US = 20.0
"""What the agent may add to an inference."""
BLOCKS, CALLS = 240, 100
"""Blocks of a few milliseconds: most of them nobody interrupts."""
WARM_UP_S = 0.5
NEVER = 1 << 62
"""A deadline that no clock reaches."""
NOTHING = "nothing"
"""In place of a runtime: a Python function without a body."""

Figures = dict[str, Any]


def own_call(runtime: Runtime) -> Callable[[], Any]:
    """The runtime's public call for one inference, with its arguments bound and nothing of the agent around it."""
    if isinstance(runtime, OnnxRuntime):
        return partial(runtime.session.run, runtime.output_names, runtime.feed)
    if isinstance(runtime, OpenVINO):
        return partial(runtime.request.infer, share_outputs=True)
    assert isinstance(runtime, LiteRT)
    call: Callable[[], Any] = runtime.interpreter.invoke
    return call


def compared(bare: Callable[[], Any], through_agent: Callable[[], Any], blocks: int, calls: int) -> Figures:
    """Both loops in turn, ``blocks`` times ``calls``; nanoseconds a call, by block: bare, samples, loop."""
    samples = [0] * calls
    until = time.perf_counter() + WARM_UP_S
    while time.perf_counter() < until:
        bare()
        sample(through_agent, samples, 0, 1, NEVER)

    def bare_block() -> float:
        begin = time.perf_counter_ns()
        for _ in repeat(None, calls):
            bare()
        return (time.perf_counter_ns() - begin) / calls

    def agent_block() -> tuple[float, float]:
        begin = time.perf_counter_ns()
        sample(through_agent, samples, 0, calls, NEVER)
        return (time.perf_counter_ns() - begin) / calls, sum(samples) / calls

    taken: Figures = {"bare": [], "loop": [], "samples": []}
    gc.collect()
    gc.disable()
    try:
        for number in range(blocks):
            if number % 2:  # each goes first in every other block, so that a drift favours neither
                (loop, mean), alone = agent_block(), bare_block()
            else:
                alone, (loop, mean) = bare_block(), agent_block()
            for name, value in (("bare", alone), ("loop", loop), ("samples", mean)):
                taken[name].append(value)
    finally:
        gc.enable()
    return taken


def summary(taken: Figures, calls: int) -> Figures:
    """Microseconds: medians of the blocks, and what the agent adds with its 95 % interval.

    ``added`` compares whole loops, so what the agent does between two samples is in it; ``in_sample`` compares the
    samples, which is what a latency is too long by.
    """
    added = [loop - bare for loop, bare in zip(taken["loop"], taken["bare"], strict=True)]
    in_sample = [one - bare for one, bare in zip(taken["samples"], taken["bare"], strict=True)]
    return {
        "blocks": len(added),
        "calls": calls,
        **{f"{name}_us": statistics.median(taken[name]) / 1e3 for name in ("bare", "samples")},
        "added_us": interval(added),
        "in_sample_us": interval(in_sample),
    }


def interval(values_ns: Sequence[float]) -> tuple[float, float, float]:
    """Median, low and high of nanoseconds, as microseconds.

    Raises:
        ValueError: fewer than eight values.
    """
    ranks = median_ranks(len(values_ns))
    if ranks is None:
        raise ValueError(f"{len(values_ns)} blocks give no interval; take at least 8")
    ordered = sorted(values_ns)
    found = statistics.median(ordered), ordered[ranks[0] - 1], ordered[ranks[1] - 1]
    return found[0] / 1e3, found[1] / 1e3, found[2] / 1e3


def measure(name: str, model: str, blocks: int = BLOCKS, calls: int = CALLS) -> Figures:
    """The figures of one runtime, or of ``NOTHING``, in this process."""
    if name == NOTHING:
        return summary(compared(nothing, nothing, blocks, calls), calls)
    request = {"runtime": name, "model": model, "threads": 1}
    runtime = make_runtime(request)
    load_model(runtime, request)
    set_inputs(runtime, request)
    found = summary(compared(own_call(runtime), runtime.run, blocks, calls), calls)
    if isinstance(runtime, OpenVINO):
        found["native_us"] = statistics.median(native_clock(runtime, calls))
    return {**found, "version": runtime.version}


def native_clock(runtime: OpenVINO, calls: int) -> list[float]:
    """What OpenVINO's own clock says of single inferences, microseconds; benchmark_app reports that."""
    taken = []
    for _ in range(calls):
        runtime.run()
        taken.append(runtime.request.latency * 1e3)
    return taken


def nothing() -> None:
    """No work at all."""


def overheads() -> dict[str, Figures]:
    """Every runtime's figures, by its name, and those of nothing; a fresh process each.

    Raises:
        CalledProcessError: one of them failed; what it said is on stderr.
    """
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in {NOTHING: Path(), **empty_graphs(Path(folder))}.items():
            command = [sys.executable, "-m", "benchmarks.agent_overhead", name, str(model)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
            found[name] = json.loads(done.stdout.splitlines()[-1])
    return found


def verdict(figures: Mapping[str, Any]) -> str:
    """What the agent adds against ``LIMIT_US``: below it, above it, or undecided."""
    _, low, high = figures["added_us"]
    return "below" if high < LIMIT_US else "above" if low > LIMIT_US else "undecided"


def main(arguments: Sequence[str]) -> None:
    """With a runtime and its model: its figures as JSON. Without: every runtime's, in words."""
    if arguments:
        name, model = arguments
        print(json.dumps(measure(name, model)))
        return
    for name, figures in overheads().items():
        added, low, high = figures["added_us"]
        print(
            f"{name}: its own call {figures['bare_us']:.2f} us, a sample {figures['samples_us']:.2f} us; the agent "
            f"adds {added:.2f} us ({low:.2f} to {high:.2f}), {verdict(figures)} {LIMIT_US:g} us"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
