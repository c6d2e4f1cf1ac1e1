"""One measurement: a launch for the latency, one for the memory, one for the operators when asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..base.inside import inside
from ..base.progress import Progress, Step, silent
from ..errors import ToolError, UsageError
from ..types import (
    Accelerator,
    Artifact,
    Audit,
    Delegation,
    Device,
    Measurement,
    Pinning,
    Stored,
    SustainedPoint,
    Throughput,
    Verdict,
)
from ..types.answers import (
    COMMAND_OF,
    BenchAnswer,
    MemoryAnswer,
    PerOpAnswer,
    RunAnswer,
    SustainedAnswer,
    Taken,
    ThroughputAnswer,
)
from .answers import SAME_VERSION, AnswerError
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

    def measure(self, stored: Stored, progress: Progress = silent) -> Measurement:
        """Latency, memory and, when asked, operator times of an artifact, one fresh process each.

        Args:
            stored: what is measured.
            progress: receives an event as each step begins.

        Raises:
            ToolError: the runtime is missing, refuses the model, crashes or runs out of time.
        """
        latency = self.launch(BenchAnswer, stored, progress, energy=True, **self.limits.request())
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
            more = {"duration_s": self.sustained_s, "window_s": window_s}
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

    def latency(self, stored: Stored, progress: Progress = silent, *, energy: bool = False) -> Measurement:
        """The latency alone, from one fresh process: what comparisons are made of; with the energy when asked.

        Raises:
            ToolError: as :meth:`measure`.
        """
        taken = self.launch(BenchAnswer, stored, progress, energy=energy, **self.limits.request())
        return self.compose(stored.artifact, taken)

    def launch(self, answer: type[Kind], stored: Stored, progress: Progress = silent, **more: Any) -> Kind:
        """The agent's answer about an artifact, to the command (a key of ``STEPS``) that ``answer`` belongs to.

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
                {"model": model_files(stored)},
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


def known_cores(text: str | None) -> str | None:
    """``big``, ``little`` or core numbers by commas in one spelling: "3, 2" is "2,3"; None stays None.

    Raises:
        UsageError: something else.
    """
    if text is None or text in ("big", "little"):
        return text
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UsageError(f"--cores takes big, little or core numbers, got {text!r}", "for example --cores 2,3")
    return ",".join(map(str, sorted({int(word) for word in words})))


def cores_request(cores: str | None) -> str | list[int] | None:
    """Cores, as :func:`known_cores` spells them, as the agent takes them."""
    return cores if cores is None or cores in ("big", "little") else [int(word) for word in cores.split(",")]


def preprocessing_origin(artifact: Artifact) -> str:
    """Who says how images become the input: ``assumed`` and the like, and in words; empty where no one was asked."""
    made = artifact.inputs[0].preprocessing
    if made is None or made.origin is None or artifact.weights.kind == "random":
        return ""
    return f"{made.origin.kind}: {made.origin.source}"


def identity(artifact: Artifact) -> dict[str, Any]:
    """The arguments of a ``Measurement`` that repeat what is known of its artifact, so that a report stands alone."""
    parity = artifact.parity
    return {
        "model": artifact.model,
        "profile": artifact.profile,
        "format": artifact.format,
        "precision": artifact.precision,
        "io": artifact.io,
        "artifact_sha256": artifact.sha256,
        "artifact_bytes": artifact.size_bytes,
        "params": artifact.params,
        "macs": artifact.macs,
        "weights_kind": artifact.weights.kind,
        "preprocessing_origin": preprocessing_origin(artifact),
        "weights_sha256": artifact.weights.sha256,
        "classes": artifact.scores,
        "parity_cosine": parity and parity.cosine_min,
        "parity_sqnr_db": parity and parity.sqnr_db,
        "parity_top1_agree": parity and parity.top1_agree,
        "parity_images": parity and parity.images,
        "export_command": artifact.command,
    }


def spent_s(latency: BenchAnswer) -> float:
    """Seconds of all timed work between the two looks at the device, by the monotonic clock."""
    if latency.spent_s is not None:  # many launches, whose loading and warm-up it alone has timed
        return latency.spent_s
    timed = (latency.load_ns, latency.first_inference_ns, *latency.warmup_ns, *latency.samples_ns)
    return sum(timed) / 1e9


def played(taken: Taken | None) -> Verdict | None:
    """The verdict on an accelerator that is none, or None."""
    if taken is None or not taken.emulated:
        return None
    return Verdict(name="emulated", reasons=(f"{taken.adapter} is a CPU that plays a GPU: its latency means nothing",))


def accelerated(taken: Taken | None) -> Delegation | None:
    """What an accelerator said that it took; None where it takes a model as a whole or not at all."""
    if taken is None:
        return None
    return Delegation(
        name=taken.name,
        share=taken.gpu_ops / (taken.gpu_ops + taken.cpu_ops),
        partitions=taken.partitions,
        undelegated=taken.undelegated,
        reasons=taken.reasons,
    )


def delegation(audit: Audit) -> Delegation | None:
    """What the audit saw the CPU delegate take, or None where the runtime has none."""
    if audit.delegate is None or audit.delegated_share is None or audit.delegate_partitions is None:
        return None
    return Delegation(
        name=audit.delegate,
        share=audit.delegated_share,
        partitions=audit.delegate_partitions,
        undelegated=audit.undelegated,
    )
