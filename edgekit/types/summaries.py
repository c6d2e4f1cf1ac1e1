"""A stored measurement without its samples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .base import Accelerator, Format, IoType, Precision, Runtime, report_key
from .devices import Device, DeviceInfo
from .measurements import Revision, Verdict


@dataclass(frozen=True, slots=True)
class Ground:
    """The conditions that two measurements must share for their latencies to be compared.

    Attributes:
        conditions: name and value, in words.
        of_the_runtime: more of them, for measurements of one runtime.
    """

    emulated: bool
    runtime: Runtime
    conditions: tuple[tuple[str, str], ...]
    of_the_runtime: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of a measurement that tables, trends and choices need; the names are those of ``Measurement``.

    Attributes:
        digest: seal of the measurement in today's form: the same in the history and as the latest.
        emulated: the latency means nothing and is never to be compared.
        cores: what it was pinned to as asked for; None when not pinned.
        on_cores: the same in words, to be added to a count of threads.
        samples: how many.
        p50_interval_ns: the 95 % interval of the median; None with too few samples.
        versions: of the packages that are the runtime.
        clock_jump_s: by how much the device's clock was set meanwhile; None when it was not.
        ground: what must agree with another's.
    """

    digest: str
    device: Device
    info: DeviceInfo
    emulated: bool
    model: str
    profile: str
    format: Format
    precision: Precision
    io: IoType
    runtime: Runtime
    runtime_version: str
    accelerator: Accelerator
    threads: int
    cores: str | None
    on_cores: str
    batch: int
    settings: dict[str, str | int]
    artifact_sha256: str
    artifact_bytes: int
    weights_kind: str
    weights_sha256: str
    classes: int | None
    parity_top1_agree: int | None
    parity_images: int | None
    samples: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p50_interval_ns: tuple[int, int] | None
    measured_at: str
    verdict: Verdict
    revision: Revision | None
    versions: dict[str, str]
    clock_jump_s: float | None
    ground: Ground

    @property
    def moment(self) -> datetime:
        """When it was measured, by the device's clock."""
        return datetime.fromisoformat(self.measured_at)

    @property
    def key(self) -> str:
        """File name stem of the stored report."""
        return report_key(self.model, self.profile, self.runtime, self.accelerator, self.threads, self.cores)
