"""How far counts and the model of a core are off on a real board: what a clock measured beside what was estimated."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from .base import Frozen, Name, Precision, Runtime
from .counted import Count


class Validated(Frozen):
    """One artifact: measured on the board, counted on the simulated core.

    Attributes:
        measured_version, counted_version: of the runtime on the board and on the simulated core.
        p50_ms: the median of ``samples`` inferences.
        verdict: of the measurement: ``steady``, ``throttled``, ``noisy``, ….
        cycles: estimated; ``estimated_ms`` at the clock of the board's core.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    model: Name
    profile: Name
    precision: Precision
    runtime: Runtime
    measured_version: str
    counted_version: str
    p50_ms: float = Field(gt=0)
    samples: int = Field(ge=1)
    verdict: str
    instructions: Count
    cycles: float = Field(gt=0)
    estimated_ms: float = Field(gt=0)

    @property
    def ratio(self) -> float:
        """Estimated over measured: above 1, the model is too slow."""
        return self.estimated_ms / self.p50_ms


class Validation(Frozen):
    """A set of artifacts on one board, one thread; no name, address or user of the board is in it.

    Attributes:
        board: kind of board.
        core: QEMU's name of the core that was counted; ``clock_mhz`` that of the board's own.
        cpu, system: as the board tells them.
        governors: of its CPUs, without repetition.
        emulated: no board at all: the latencies mean nothing.
        plugin, emulator: what counted.
    """

    schema_version: Literal[1] = 1
    kind: Literal["validation"] = "validation"
    board: str
    core: str
    clock_mhz: int = Field(gt=0)
    cpu: str
    system: str
    governors: tuple[str, ...] = ()
    emulated: bool
    rows: tuple[Validated, ...] = Field(min_length=1)
    plugin: str
    emulator: str
    measured_at: str
    edgekit_version: str
