"""One measurement: a launch for the latency, one for the memory, one for the operators when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..base.inside import inside
from ..base.progress import Progress, Step, silent
from ..errors import ToolError
from ..types import (
    Accelerator,
    Artifact,
    Device,
    Measurement,
    Pinning,
    Stored,
    SustainedPoint,
    Throughput,
)
from ..types.answers import (
    COMMAND_OF,
    BenchAnswer,
    MemoryAnswer,
    PerOpAnswer,
    RunAnswer,
    SustainedAnswer,
    ThroughputAnswer,
)
from .answers import SAME_VERSION, AnswerError
from .asked_cores import cores_request
from .known_before import accelerated, delegation, identity, played, spent_s
from .launch import Kind, Transport, ask_agent
from .streams import STREAMS_S, rate_of
from .too_old import advice
from .verdict import HALF_WIDTH, MIN_SAMPLES, judge


@dataclass(frozen=True)
class Limits:
    """How long to look, in inferences and seconds; the defaults are those of a measurement to be kept.

    Attributes:
        max_s: cap of the warm-up and of the sampling, each.
        target_half_width: half width of the median's interval over the median; sampling ends when it is reached.
        launch_s: on top of the caps, for importing the runtime and loading the model.
    """

    warmup_min_iterations: int = 10
    warmup_min_s: float = 0.5
    min_iterations: int = MIN_SAMPLES
    min_s: float = 1.0
    max_s: float = 20.0
    target_half_width: float = HALF_WIDTH
    launch_s: float = 120.0

    def request(self) -> dict[str, Any]:
        """The keys of the agent's request ``bench``: JSON, see :func:`~edgekit.bench.launch.carry_out`."""
        return {key: value for key, value in vars(self).items() if key != "launch_s"}

    @property
    def timeout_s(self) -> float:
        """Seconds after which a launch is stopped."""
        return self.launch_s + 2 * self.max_s


@dataclass(frozen=True)
class Check:
    """What the process that measures the latency computes at the end, so that its outputs can be compared.

    Attributes:
        inputs: one inference per row (.npy), in the model's own element type and layout.
        outputs: where their outputs go (.npy).
    """

    inputs: Path
    outputs: Path


@dataclass(frozen=True)
class Session:
    """Measures artifacts on one device.

    Attributes:
        threads: within an operator; operators run one after another.
        accelerator: computes the model; the CPU takes what a GPU leaves, and the measurement records how much.
        provider: of ONNX Runtime's execution providers for it, a key of the agent's ``PROVIDERS``; the first that the
            device has when None.
        cores: what every launch is pinned to: ``big``, ``little`` or core numbers by commas; None for any core.
        sustained_s: length of a run without a pause, in a launch of its own after the latency; None for none.
        streams: numbers of streams whose inferences a second are measured, in a launch of its own each.
        seed: of the random input.
        batch: images of one inference, of an artifact whose batch is open; one when None.
    """

    transport: Transport
    device: Device
    threads: int = 1
    accelerator: Accelerator = "cpu"
    provider: str | None = None
    cores: str | None = None
    per_op: bool = False
    sustained_s: float | None = None
    streams: tuple[int, ...] = ()
    limits: Limits = Limits()
    seed: int = 0
    batch: int | None = None

    def measure(self, stored: Stored, progress: Progress = silent, check: Check | None = None) -> Measurement:
        """Latency, memory and, when asked, operator times of an artifact, one fresh process each.

        Args:
            stored: what is measured.
            progress: receives an event as each step begins.
            check: what the first of them computes besides.

        Raises:
            ToolError: the runtime is missing, refuses the model, crashes or runs out of time.
        """
        latency = self.timed(stored, progress, check, energy=True)
        memory = None
        if self.device.transport != "virtual":  # there the process is the emulator, and so is its memory
            memory = self.launch(MemoryAnswer, stored, progress)
        operators = None
        if self.per_op:
            try:
                operators = self.launch(PerOpAnswer, stored, progress)
            except AnswerError:  # a device that breaks the protocol cannot be trusted in its other answers either
                raise
            except ToolError as error:
                # The latency is known and is kept; the report says what is missing, and why.
                operators = PerOpAnswer(per_op=None, note=str(error)[:LONGEST_NOTE])
        points = None
        if self.sustained_s is not None:
            window_s = max(SHORTEST_WINDOW_S, self.sustained_s / MOST_WINDOWS)
            more: dict[str, Any] = {"duration_s": self.sustained_s, "window_s": window_s}
            told = self.launch(SustainedAnswer, stored, progress, **more).points
            points = tuple(SustainedPoint(**{key: getattr(point, key) for key in POINT_FIELDS}) for point in told)
        rates = tuple(self.throughput(stored, count, progress) for count in self.streams) or None
        return self.compose(stored.artifact, latency, memory, operators, points, rates)

    def throughput(self, stored: Stored, streams: int, progress: Progress = silent) -> Throughput:
        """Inferences a second of so many streams at once, from one fresh process.

        Raises:
            ToolError: as :meth:`measure`.
        """
        told = self.launch(
            ThroughputAnswer,
            stored,
            progress,
            streams=streams,
            duration_s=max(STREAMS_S, self.limits.min_s),
            warmup_min_s=self.limits.warmup_min_s,
        )
        return rate_of(told, streams, self.threads)

    def latency(
        self, stored: Stored, progress: Progress = silent, check: Check | None = None, *, energy: bool = False
    ) -> Measurement:
        """The latency alone, from one fresh process: what comparisons are made of; with the energy when asked.

        Raises:
            ToolError: as :meth:`measure`.
        """
        return self.compose(stored.artifact, self.timed(stored, progress, check, energy=energy))

    def timed(self, stored: Stored, progress: Progress, check: Check | None, *, energy: bool) -> BenchAnswer:
        """The agent's answer to the launch that measures the latency, with the outputs of the check in their place."""
        limits = self.limits.request()
        if check is None:
            return self.launch(BenchAnswer, stored, progress, energy=energy, **limits)
        there = self.transport.place(check.outputs)
        files = {"check_inputs": [check.inputs]}
        told = self.launch(BenchAnswer, stored, progress, files, energy=energy, check_outputs=there, **limits)
        self.transport.fetch(there, check.outputs)
        return told

    def launch(
        self,
        answer: type[Kind],
        stored: Stored,
        progress: Progress = silent,
        files: Mapping[str, Sequence[Path]] | None = None,
        **more: Any,
    ) -> Kind:
        """The agent's answer about an artifact, to the command (a key of ``STEPS``) that ``answer`` belongs to.

        Args:
            answer: the type of the answer.
            stored: the artifact.
            progress: receives an event as each step begins.
            files: that the device needs besides the model; see :func:`~edgekit.bench.launch.carry_out`.
            more: of the request.

        Raises:
            ToolError: as :meth:`measure`.
        """
        artifact, command = stored.artifact, COMMAND_OF[answer]
        progress(Step(STEPS[command]))
        try:
            return ask_agent(
                answer,
                self.transport,
                {**self.request(artifact), **more},
                {"model": model_files(stored), **(files or {})},
                self.limits.timeout_s
                + float(more.get("duration_s", 0.0))
                + COMPILE_S[self.accelerator]
                + (ENERGY_S if more.get("energy") else 0.0),
                f"{STEPS[command]} of {artifact.model} {artifact.profile} on {artifact.runtime}",
                lambda event: progress(Step(event.event, (STEPS[command],))),
            )
        except ToolError as error:
            error.hint = error.hint or advice(artifact, str(error), self.device.id)
            raise

    def run(self, stored: Stored, inputs: Path, outputs: Path, progress: Progress) -> None:
        """One inference per row of ``inputs`` (.npy) on the device; their outputs go to ``outputs`` (.npy).

        Raises:
            ToolError: the runtime is missing, refuses the model, crashes or runs out of time.
        """
        artifact = stored.artifact
        progress(Step(STEPS["run"]))
        there = self.transport.place(outputs)
        ask_agent(
            RunAnswer,
            self.transport,
            {**self.request(artifact), "outputs": there},
            {"model": model_files(stored), "inputs": [inputs]},
            self.limits.timeout_s + COMPILE_S[self.accelerator],
            f"{STEPS['run']} of {artifact.model} {artifact.profile} on {artifact.runtime}",
        )
        self.transport.fetch(there, outputs)

    def request(self, artifact: Artifact) -> dict[str, Any]:
        """What the agent's request says in every launch: JSON, see :func:`~edgekit.bench.launch.carry_out`."""
        return {
            "runtime": artifact.runtime,
            "accelerator": self.accelerator,
            "provider": self.provider,
            "threads": self.threads,
            "cores": cores_request(self.cores),
            "seed": self.seed,
            "batch": self.batch_of(artifact),
            "shapes": artifact.input_shapes,
            # An fp16 artifact may compute in fp16 where the CPU can; the others must not lose precision on their own.
            "inference_precision": "default" if artifact.precision == "fp16" else "f32",
        }

    def batch_of(self, artifact: Artifact) -> int:
        """Images of one inference."""
        return artifact.batch or self.batch or 1

    def compose(
        self,
        artifact: Artifact,
        latency: BenchAnswer,
        memory: MemoryAnswer | None = None,
        operators: PerOpAnswer | None = None,
        points: tuple[SustainedPoint, ...] | None = None,
        rates: tuple[Throughput, ...] | None = None,
    ) -> Measurement:
        """The agent's answers as a measurement with its verdict."""
        taken, samples = latency.delegation, latency.samples_ns
        before, after = latency.state_before, latency.state_after
        emulated = latency.info.emulated or (taken is not None and taken.emulated)
        info = latency.info.model_copy(update={"emulated": emulated})
        try:
            return Measurement(
                **identity(artifact),
                accelerator=self.accelerator,
                delegation=delegation(artifact.audit) if self.accelerator == "cpu" else accelerated(taken),
                device=self.device,
                info=info,
                runtime=artifact.runtime,
                runtime_version=latency.runtime_version,
                threads=self.threads,
                pinned=None if self.cores is None else Pinning(asked=self.cores, cpus=latency.affinity or ()),
                settings=latency.settings,
                batch=self.batch_of(artifact),
                warmup_ns=latency.warmup_ns,
                samples_ns=samples,
                load_ns=latency.load_ns,
                first_inference_ns=latency.first_inference_ns,
                peak_rss_bytes=None if memory is None else memory.peak_rss_bytes,
                baseline_rss_bytes=None if memory is None else memory.baseline_rss_bytes,
                per_op=None if operators is None else operators.per_op,
                per_op_note="" if operators is None else operators.note,
                sustained=points,
                throughput=rates,
                energy=latency.energy or None,
                energy_note=latency.energy_note,
                state_before=before,
                state_after=after,
                versions=latency.versions,
                measured_at=datetime.fromtimestamp(before.unix_time, UTC).isoformat(timespec="seconds"),
                verdict=played(taken) or judge(samples, self.threads, info, before, after, spent_s(latency)),
            )
        except ValidationError as error:
            raise ToolError(
                f"the agent's answer about {artifact.model} does not fit this edgekit: {error}", SAME_VERSION
            ) from error


LONGEST_NOTE = 4096

EMULATED = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=5, min_s=0.0, max_s=2.0, launch_s=600.0)
"""On an emulated board latency means nothing: look briefly, and wait long."""


def model_files(stored: Stored) -> list[Path]:
    """The files that a device needs; first the one that the runtime opens."""
    return [inside(stored.folder, entry.name, field="files[].name") for entry in stored.artifact.model_files]


COMPILE_S: dict[Accelerator, float] = {"cpu": 0.0, "gpu": 600.0, "npu": 600.0}
"""On top of a launch: compiling the kernels of a model, the first time on a device."""
ENERGY_S = 120.0
"""On top of a launch that looks at a battery, whose gauge is slow: at rest, and over inferences of their own."""
SHORTEST_WINDOW_S, MOST_WINDOWS = 1.0, 600
POINT_FIELDS = ("t_s", "latency_ns", "temperature_c", "clock_mhz")

STEPS = {
    "bench": "latency",
    "sustained": "long run",
    "throughput": "inferences a second",
    "memory": "memory",
    "per_op": "operator times",
    "run": "check of the outputs",
    "inspect": "operators",
}
"""The launches of a measurement in words."""
