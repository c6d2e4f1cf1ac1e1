"""Latency of one artifact on one device."""

from __future__ import annotations

import statistics
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator

from .base import Format, Frozen, IoType, Precision, Runtime, VerdictName
from .devices import Device, DeviceInfo, DeviceState
from .roofline import Ceilings, Roofline

Nanoseconds = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]


class OpTime(Frozen):
    """Time of one operator in one inference."""

    name: str
    type: str
    ns: Count


class Verdict(Frozen):
    """Whether to trust a measurement, with the reasons where not."""

    name: VerdictName
    reasons: tuple[str, ...] = ()


class Delegation(Frozen):
    """What the CPU delegate takes of an artifact, as audited on the exporting machine.

    Attributes:
        share: of the file's operators, 0 to 1.
        undelegated: operator types that stay outside, with counts.
    """

    name: str
    share: float
    partitions: int
    undelegated: dict[str, int] = Field(default_factory=dict)


class SustainedPoint(Frozen):
    """One window of a long run.

    Attributes:
        t_s: middle of the window, seconds from the first inference.
        latency_ns: median of the window.
        temperature_c: of the hottest sensor; None where the device does not offer the reading.
        clock_mhz: of the fastest CPU; None where the device does not offer the reading.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    t_s: float
    latency_ns: Nanoseconds
    temperature_c: float | None = None
    clock_mhz: float | None = None


class Revision(Frozen):
    """The project's commit at the time of a measurement; ``dirty`` when tracked files had been changed since."""

    commit: str = Field(pattern=r"^[0-9a-f]{7,64}$")
    dirty: bool


class Measurement(Frozen):
    """Latency of one artifact on one device: raw samples, never summaries.

    Attributes:
        settings: options of the runtime that were set to other than their defaults.
        warmup_ns, samples_ns: one entry per inference, in order.
        load_ns: from an imported runtime to a ready session, weights read.
        first_inference_ns: the first call.
        peak_rss_bytes: of a launch of its own, the whole process; None when not measured.
        baseline_rss_bytes: the same launch before the model was loaded.
        per_op: None when not asked for, or when the runtime cannot say; then ``per_op_note`` tells why.
        device_cosine, device_max_abs: output on this device for the artifact's check image against the float
            reference; None when the artifact has no check image.
        delegation: None for runtimes without a CPU delegate, and in reports from before it was kept.
        export_command: what made the artifact; empty in reports from before it was kept.
        roofline, ceilings: how near the latency comes to what the device can do; None when that was not asked for.
        sustained: windows of a long run in order; None when none was asked for.
        revision: of the project that measured; None outside a git work tree.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    schema_version: Literal[2] = 2
    model: str
    profile: str
    format: Format
    precision: Precision
    io: IoType
    artifact_sha256: str
    artifact_bytes: Count
    params: Count
    macs: Count
    weights_kind: Literal["random", "file", "pretrained"]
    parity_cosine: float
    parity_sqnr_db: float
    parity_top1_agree: Count
    parity_images: Count
    device: Device
    info: DeviceInfo
    runtime: Runtime
    runtime_version: str
    accelerator: str = "cpu"
    threads: int = Field(ge=1)
    settings: dict[str, str | int] = Field(default_factory=dict)
    batch: int = Field(default=1, ge=1)
    warmup_ns: tuple[Nanoseconds, ...]
    samples_ns: tuple[Nanoseconds, ...] = Field(min_length=1)
    load_ns: Count
    first_inference_ns: Count
    peak_rss_bytes: Count | None = None
    baseline_rss_bytes: Count | None = None
    per_op: tuple[OpTime, ...] | None = None
    per_op_note: str = ""
    device_cosine: float | None = None
    device_max_abs: float | None = None
    delegation: Delegation | None = None
    export_command: str = ""
    roofline: Roofline | None = None
    ceilings: Ceilings | None = None
    sustained: tuple[SustainedPoint, ...] | None = None
    state_before: DeviceState
    state_after: DeviceState
    versions: dict[str, str]
    measured_at: str
    verdict: Verdict
    revision: Revision | None = None

    @field_validator("measured_at")
    @classmethod
    def _moment(cls, text: str) -> str:
        if datetime.fromisoformat(text).tzinfo is None:
            raise ValueError("a time needs its zone, such as +00:00")
        return text

    @property
    def moment(self) -> datetime:
        """When it was measured, by the device's clock."""
        return datetime.fromisoformat(self.measured_at)

    @property
    def emulated(self) -> bool:
        """True when the latency means nothing and is never to be compared."""
        return self.info.emulated or self.verdict.name == "emulated"

    def percentile_ms(self, q: float) -> float:
        """The ``q``-th percentile (0 to 100) of the raw samples, milliseconds, linear between samples."""
        ordered = sorted(self.samples_ns)
        position = (len(ordered) - 1) * q / 100
        low = int(position)
        high = min(low + 1, len(ordered) - 1)
        return (ordered[low] + (ordered[high] - ordered[low]) * (position - low)) / 1e6

    @property
    def p50_ms(self) -> float:
        """Median latency, milliseconds."""
        return statistics.median(self.samples_ns) / 1e6

    @property
    def p90_ms(self) -> float:
        """90th percentile, milliseconds."""
        return self.percentile_ms(90)

    @property
    def p99_ms(self) -> float:
        """99th percentile, milliseconds."""
        return self.percentile_ms(99)

    @property
    def key(self) -> str:
        """File name stem of the stored report."""
        return f"{self.model}__{self.profile}__{self.runtime}-{self.accelerator}-t{self.threads}"
