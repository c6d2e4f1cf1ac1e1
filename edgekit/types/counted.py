"""Counts on a simulated core, and estimates from them; no clock has measured any of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Format, Frozen, IoType, Name, Precision, Runtime, report_key
from .devices import Device
from .gates import EXIT_CODES, GateStatus

Count = Annotated[int, Field(ge=0, le=2**62)]
CLASSES = ("fma", "dot", "int_multiply", "simd", "loads", "stores", "branches")
"""The classes of instructions; all others are scalar arithmetic."""


class Counts(Frozen):
    """The instructions of one inference.

    Attributes:
        instructions: all of them.
        fma: vector multiply-accumulates of floats.
        dot: dot products of int8.
        int_multiply: other vector multiplications of integers, accumulating or not.
        simd: other vector instructions.
        loads, stores: instructions that access memory, scalar and vector; an atomic is a load.
        branches: jumps, calls, returns.
        bytes_loaded, bytes_stored: moved by them.
        cache_misses: modelled, of each level from the first; the last one's go to memory.
    """

    instructions: Annotated[int, Field(gt=0, le=2**62)]
    fma: Count
    dot: Count
    int_multiply: Count
    simd: Count
    loads: Count
    stores: Count
    branches: Count
    bytes_loaded: Count
    bytes_stored: Count
    cache_misses: tuple[Count, ...] = Field(min_length=1, max_length=4)


class FunctionCount(Frozen):
    """Instructions of one function of the runtime; ``name`` is empty where the library has no symbols."""

    library: str
    name: str
    instructions: Count

    @property
    def label(self) -> str:
        """For people."""
        return self.name or f"{self.library} (no symbols)"


class Estimate(Frozen):
    """The estimate that the model of a core derives from counts; it is not a measurement.

    Attributes:
        cycles: of one inference.
        clock_mhz: of the core.
        bound: what limits it by the model: ``vector``, ``memory`` or ``issue``; misses come on top.
        miss_share: of the cycles that are misses.
        error: what is known of the model's error, in words.
    """

    cycles: float = Field(gt=0, le=2.0**62)
    clock_mhz: int = Field(gt=0, le=10**6)
    bound: Literal["vector", "memory", "issue"]
    miss_share: float = Field(ge=0, le=1)
    error: str

    @property
    def latency_ms(self) -> float:
        """Milliseconds at that clock."""
        return self.cycles / self.clock_mhz / 1e3


class Counted(Frozen):
    """One artifact counted on a simulated board; the content of ``<reports>/<device>/counted/<key>.json``.

    Attributes:
        core: QEMU's name of the CPU.
        counts: of the inference of the first process that executes the least.
        repeat: likewise of a second process; None when it was not asked for.
        inferences: instructions of each counted inference of the first process.
        functions: those with the most instructions in the last inference, largest first.
        estimate: by the model of the core.
        emulator: version of QEMU; ``plugin`` the first digits of its plugin's digest.
    """

    schema_version: Literal[1] = 1
    kind: Literal["counted"] = "counted"
    model: Name
    profile: Name
    format: Format
    precision: Precision
    io: IoType
    artifact_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    artifact_bytes: Count
    macs: Count | None
    weights_kind: str
    export_command: str
    device: Device
    core: str
    runtime: Runtime
    runtime_version: str
    threads: int = Field(ge=1)
    batch: int = Field(ge=1)
    counts: Counts
    repeat: Counts | None
    inferences: tuple[Count, ...] = Field(min_length=1)
    functions: tuple[FunctionCount, ...]
    estimate: Estimate
    emulator: str
    plugin: str
    counted_at: str
    seconds: float = Field(ge=0, le=1e9)
    edgekit_version: str

    @property
    def key(self) -> str:
        """What names it on its device: as that of a measurement."""
        return report_key(self.model, self.profile, self.runtime, "cpu", self.threads, None, self.batch)

    @property
    def noise(self) -> float | None:
        """How far the two processes are apart, relative to the first; None without a repeat."""
        if self.repeat is None:
            return None
        return abs(self.repeat.instructions - self.counts.instructions) / self.counts.instructions


class CountGate(Frozen):
    """One candidate against its baseline, by counts on a simulated board.

    Attributes:
        tolerance: growth that passes, of the instructions and of the estimated cycles.
        decided_by: what the status is about: the growth, a limit of gate.toml on the counted instructions, on the file
            or on the accuracy (``max_drop``).
        noise: of the instructions: the largest difference between two processes of one side, relative.
        baseline, candidate: what was counted; None where it did not come to that.
        baseline_path: where the baseline came from.
    """

    schema_version: Literal[1] = 1
    kind: Literal["count-gate"] = "count-gate"
    model: Name
    profile: Name
    runtime: Runtime
    threads: int
    batch: int = 1
    device: Device
    status: GateStatus
    reason: str
    decided_by: Literal["growth", "instructions", "file", "accuracy"] = "growth"
    tolerance: float = Field(gt=0, lt=1)
    noise: float | None = None
    baseline: Counted | None = None
    candidate: Counted | None = None
    baseline_path: str
    notes: tuple[str, ...] = ()
    started_at: str
    seconds: float = 0.0
    edgekit_version: str

    @property
    def accelerator(self) -> str:
        """Always the CPU."""
        return "cpu"

    @property
    def placing(self) -> str:
        """Threads in short."""
        return f"t{self.threads}"

    @property
    def key(self) -> str:
        """As that of a measurement."""
        return report_key(self.model, self.profile, self.runtime, "cpu", self.threads, None, self.batch)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.model} {self.profile} {self.runtime}-cpu {self.placing} on {self.device.id}"

    @property
    def exit_code(self) -> int:
        """What the status means to a shell."""
        return EXIT_CODES[self.status]

    @property
    def ratio(self) -> float | None:
        """Instructions of the candidate over those of the baseline."""
        if self.baseline is None or self.candidate is None:
            return None
        return self.candidate.counts.instructions / self.baseline.counts.instructions

    @property
    def cycles_ratio(self) -> float | None:
        """Estimated cycles of the candidate over those of the baseline."""
        if self.baseline is None or self.candidate is None:
            return None
        return self.candidate.estimate.cycles / self.baseline.estimate.cycles
