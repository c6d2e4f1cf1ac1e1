"""Count one inference of an artifact on a simulated board, twice where the noise is to be known."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..base.progress import Progress, Step, silent
from ..base.scratch import scratch_folder
from ..bench.launch import ask_agent
from ..bench.session import model_files
from ..devices.virtual.simulated import device_of
from ..errors import UsageError
from ..types import Counted, Counts, FunctionCount, Stored
from ..types.answers import CountAnswer
from .emulator import Ready, SimulatedMachine
from .functions import by_function
from .model import cores, estimate
from .output import Spans, read_output
from .plugin_file import source_digest

WARMUP = 2
"""Inferences before those that are counted: ONNX Runtime plans its memory in the first, and uses the plan from then."""
INFERENCES, AGAIN = 2, 1
"""Inferences that are counted, and those of the process that repeats it. The one that executes the least is taken: now
and then a runtime's memory is where it makes more copies."""
LAUNCH_S = 900.0
"""An emulated import of a runtime takes ten seconds; a network of a billion MACs a minute."""


@dataclass(frozen=True)
class Launched:
    """One process that was counted."""

    spans: Spans
    runtime_version: str
    functions: tuple[FunctionCount, ...]


def count(
    stored: Stored,
    ready: Ready,
    *,
    threads: int = 1,
    batch: int | None = None,
    repeat: bool = True,
    no_delegate: bool = False,
    progress: Progress = silent,
) -> Counted:
    """Count an artifact.

    Args:
        stored: the artifact.
        ready: the board.
        threads: within an operator; of more than one the counts depend on the threads' waiting for each other.
        batch: images of one inference where the artifact leaves it open.
        repeat: count a second process, which tells the noise.
        no_delegate: without XNNPACK, to test what watches the counts.
        progress: receives an event as each step begins.

    Raises:
        UsageError: the batch is not the artifact's.
        ToolError: the runtime refuses the model, crashes or runs out of time.
    """
    artifact, images = stored.artifact, stored.artifact.batch or batch or 1
    if batch is not None and batch != images:
        raise UsageError(f"{artifact.model} {artifact.profile} takes {images} image(s) an inference, not {batch}")
    began, stamp = time.monotonic(), datetime.now(UTC)
    progress(Step("counting"))
    first = launch(stored, ready, threads, images, INFERENCES, no_delegate=no_delegate)
    again = None
    if repeat:
        progress(Step("counting again"))
        again = least(launch(stored, ready, threads, images, AGAIN, no_delegate=no_delegate).spans)
    counts = least(first.spans)
    return Counted(
        model=artifact.model,
        profile=artifact.profile,
        format=artifact.format,
        precision=artifact.precision,
        io=artifact.io,
        artifact_sha256=artifact.sha256,
        artifact_bytes=artifact.size_bytes,
        macs=artifact.macs,
        weights_kind=artifact.weights.kind,
        export_command=artifact.command,
        device=device_of(ready.board),
        core=ready.board.cpu,
        runtime=artifact.runtime,
        runtime_version=first.runtime_version,
        threads=threads,
        batch=images,
        counts=counts,
        repeat=again,
        inferences=tuple(one.instructions for one in first.spans.counts),
        functions=first.functions,
        estimate=estimate(counts, cores()[ready.board.cpu], ready.board.khz[1] // 1000),
        emulator=ready.emulator.version,
        plugin=source_digest(),
        counted_at=stamp.isoformat(timespec="seconds"),
        seconds=time.monotonic() - began,
        edgekit_version=__version__,
    )


def least(spans: Spans) -> Counts:
    """The counts of the inference that executes the fewest instructions."""
    return min(spans.counts, key=lambda one: one.instructions)


def launch(
    stored: Stored, ready: Ready, threads: int, batch: int, inferences: int, *, no_delegate: bool = False
) -> Launched:
    """Count ``inferences`` of an artifact in one fresh process.

    Raises:
        ToolError: as :func:`count`.
    """
    artifact = stored.artifact
    request = {
        "runtime": artifact.runtime,
        "threads": threads,
        "batch": batch,
        "seed": 0,
        "shapes": artifact.input_shapes,
        "inference_precision": "default" if artifact.precision == "fp16" else "f32",
        "warmup": WARMUP,
        "inferences": inferences,
        "handicap": {"no_delegate": True} if no_delegate else {},
    }
    with scratch_folder("count") as folder:
        machine = SimulatedMachine(ready, folder, threads)
        what = f"counting {artifact.model} {artifact.profile} on {ready.board.name}"
        answer = ask_agent(CountAnswer, machine, request, {"model": model_files(stored)}, LAUNCH_S, what)
        levels = len([kind for _, kind, _, _ in ready.board.caches if kind != "Instruction"])
        spans = read_output(Path(machine.output), levels)
    return Launched(spans, answer.runtime_version, by_function(spans.blocks, answer.code, ready.tree))
