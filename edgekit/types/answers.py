"""The answers that the agent on a device may give to each command, and their bounds: no answer is trusted unchecked.

The fields are those that ``edgekit/agent/commands/`` describes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from .base import Frozen
from .devices import Contention, DeviceInfo, DeviceState
from .measurements import Energy, OpTime

Nanoseconds = Annotated[int, Field(gt=0, le=10**16)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Positive = Annotated[float, Field(gt=0)]
Text = Annotated[str, Field(max_length=4096)]
Samples = Annotated[tuple[Nanoseconds, ...], Field(max_length=1_000_000)]
Settings = Annotated[dict[Text, Text | Annotated[int, Field(ge=-(2**63), lt=2**63)]], Field(max_length=256)]
Versions = Annotated[dict[Text, Text], Field(max_length=4096)]
Cpus = Annotated[tuple[Annotated[int, Field(ge=0, lt=65536)], ...], Field(max_length=65536)]
Texts = Annotated[tuple[Text, ...], Field(max_length=4096)]
Shape = Annotated[tuple[Count, ...], Field(max_length=64)]


class Answer(Frozen):
    """The value of an answer."""

    model_config = ConfigDict(allow_inf_nan=False)


class Room(Answer):
    """Free bytes where the agent runs; None when unknown."""

    disk_bytes: Count | None
    memory_bytes: Count | None


class InfoAnswer(Answer):
    """``info``; ``runner`` is set for a phone without Python: whether its benchmark program starts."""

    info: DeviceInfo
    versions: Versions
    state: DeviceState
    free: Room
    glibc: Text
    runner: bool | None = None


class StateAnswer(DeviceState):
    """``state``."""


class GuardAnswer(Answer):
    """``guard``."""

    state: DeviceState
    sentinel_ns: Nanoseconds
    info: DeviceInfo
    min_clock_khz: dict[Text, Count] | None
    affinity: Cpus | None


class InstallAnswer(Answer):
    """``install``: the interpreter of the new environment."""

    python: Text
    versions: Versions


class Taken(Answer):
    """What an accelerator took of a model, and why it left the rest."""

    name: Text
    adapter: Text
    emulated: bool
    gpu_ops: Annotated[int, Field(ge=1, le=10**6)]
    cpu_ops: Annotated[int, Field(ge=0, le=10**6)]
    partitions: Count | None
    undelegated: dict[Text, Count] = Field(default_factory=dict)
    reasons: Texts = ()


class RunAnswer(Answer):
    """``run``; its outputs are in a file."""

    count: Count
    output_dtype: Text
    seconds: Annotated[float, Field(ge=0)]
    settings: Settings
    delegation: Taken | None


class OutputsAnswer(Answer):
    """``outputs``; they are in a file."""

    count: Count


class BenchAnswer(Answer):
    """``bench``; ``spent_s`` is set for several launches, or for turns with pauses between them."""

    info: DeviceInfo
    state_before: DeviceState
    state_after: DeviceState
    samples_ns: Annotated[Samples, Field(min_length=1)]
    warmup_ns: Samples
    load_ns: Count
    first_inference_ns: Count
    runtime_version: Text
    versions: Versions
    settings: Settings
    delegation: Taken | None
    energy: tuple[Energy, ...] | None
    energy_note: Text
    affinity: Cpus | None = None
    ended_by: Text = ""
    half_width: Annotated[float, Field(ge=0)] | None = None
    spent_s: Positive | None = None
    contention: Contention | None = None


class TurnsAnswer(BenchAnswer):
    """``turns``."""


class Point(Answer):
    """One window of ``sustained``."""

    t_s: Annotated[float, Field(ge=0)]
    latency_ns: Nanoseconds
    count: Annotated[int, Field(gt=0)]
    temperature_c: float | None
    clock_mhz: float | None
    throttled: Texts | None


class SustainedAnswer(Answer):
    """``sustained``."""

    points: Annotated[tuple[Point, ...], Field(min_length=1, max_length=10_000)]


class ThroughputAnswer(Answer):
    """``throughput``."""

    streams: Annotated[int, Field(ge=1)]
    cpus: Annotated[int, Field(ge=1)] | None
    window_s: Positive
    counts: Annotated[tuple[Count, ...], Field(min_length=1, max_length=10_000)]
    samples_ns: Annotated[Samples, Field(min_length=1)]
    settings: Settings


class MemoryAnswer(Answer):
    """``memory``."""

    baseline_rss_bytes: Count | None
    peak_rss_bytes: Count | None
    source: Text


class PerOpAnswer(Answer):
    """``per_op``."""

    per_op: Annotated[tuple[OpTime, ...], Field(max_length=100_000)] | None
    note: Text


class BandwidthRow(Answer):
    """One footprint of ``roofline``."""

    footprint_bytes: Annotated[int, Field(gt=0)]
    bytes_per_s: Positive


class RooflineAnswer(Answer):
    """``roofline``."""

    threads: Annotated[int, Field(ge=1)]
    fp32_macs_per_s: Positive
    blas: Text
    bandwidth: Annotated[tuple[BandwidthRow, ...], Field(min_length=1, max_length=64)]
    info: DeviceInfo
    state_before: DeviceState
    state_after: DeviceState


class Code(Answer):
    """A file whose code a process has mapped: addresses, and where the file's part begins."""

    begin: Annotated[int, Field(ge=0, lt=2**64)]
    end: Annotated[int, Field(ge=0, lt=2**64)]
    offset: Count
    path: Text


class CountAnswer(Answer):
    """``count``; the numbers are the emulator's."""

    runtime_version: Text
    settings: Settings
    info: DeviceInfo
    code: Annotated[tuple[Code, ...], Field(max_length=4096)]


TensorId = Text | Annotated[int, Field(ge=-1, le=2**53)]
"""LiteRT writes -1 for an omitted input, such as the bias of a layer without one."""


class Node(Answer):
    """An operator of the file, or one that ran; fields that a runtime does not report have their defaults."""

    type: Text
    name: Text
    inputs: Texts
    outputs: Texts
    reads: Annotated[tuple[TensorId, ...], Field(max_length=4096)] = ()
    writes: Annotated[tuple[TensorId, ...], Field(max_length=4096)] = ()
    delegated: bool = False
    kernel: Text = ""
    precision: Text = ""


class Tensor(Answer):
    """A tensor of the file; ``depends_on_input`` is None when the runtime does not report it."""

    id: TensorId
    name: Text
    shape: Shape | None
    dtype: Text
    constant: bool
    bytes: Count | None
    channels: Count = 0
    depends_on_input: bool | None = None


class Port(Answer):
    """An input or output of the file; a size of -1 is open."""

    name: Text
    shape: Annotated[tuple[Annotated[int, Field(ge=-1, le=2**53)], ...], Field(max_length=64)]
    dtype: Text
    scale: float | None
    zero_point: int | None


class Delegate(Answer):
    """What LiteRT's CPU delegate took."""

    name: Text
    partitions: Count
    delegated: Count
    undelegated: dict[Text, Count]


class InspectAnswer(Answer):
    """``inspect``."""

    nodes: Annotated[tuple[Node, ...], Field(max_length=100_000)]
    executed: Annotated[tuple[Node, ...], Field(max_length=100_000)]
    tensors: Annotated[tuple[Tensor, ...], Field(max_length=200_000)]
    delegate: Delegate | None
    inputs: Annotated[tuple[Port, ...], Field(max_length=256)]
    outputs: Annotated[tuple[Port, ...], Field(max_length=256)]
    runtime_version: Text
    settings: Settings


ANSWERS: dict[str, type[Frozen]] = {
    "info": InfoAnswer,
    "state": StateAnswer,
    "guard": GuardAnswer,
    "install": InstallAnswer,
    "run": RunAnswer,
    "outputs": OutputsAnswer,
    "inspect": InspectAnswer,
    "bench": BenchAnswer,
    "turns": TurnsAnswer,
    "sustained": SustainedAnswer,
    "throughput": ThroughputAnswer,
    "memory": MemoryAnswer,
    "per_op": PerOpAnswer,
    "roofline": RooflineAnswer,
    "count": CountAnswer,
}
"""The answer to each command of the agent."""
COMMAND_OF = {answer: command for command, answer in ANSWERS.items()}


class Event(Frozen):
    """A message before the answer: the step that begins, in words for a person."""

    event: Annotated[str, Field(max_length=1000)]


class Turn(Frozen):
    """The message after a turn of ``turns``."""

    event: Literal["turn"]
    samples_ns: Annotated[Samples, Field(min_length=1)]


class Refusal(Frozen):
    """The answer of an agent that refused."""

    ok: Literal[False]
    kind: Annotated[str, Field(max_length=100)]
    message: Annotated[str, Field(max_length=1_000_000)]
