"""Latency of one artifact on one device."""

from __future__ import annotations

import itertools
import statistics
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from .base import Accelerator, Cores, Format, Frozen, IoType, Name, Precision, Runtime, VerdictName, report_key
from .devices import Device, DeviceInfo, DeviceState
from .roofline import Ceilings, Roofline

FIRST_YEAR, LAST_YEAR = 1970, 2999
"""Of a measurement: a board without a battery begins in 1970."""
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
    """The part of an artifact that a delegate takes: for the CPU as audited at export, for a GPU as it reported on the
    device.

    Attributes:
        share: of the file's operators, 0 to 1.
        partitions: None where the delegate does not tell.
        undelegated: operator types that stay outside, with counts; empty where only ``reasons`` are known.
        reasons: the delegate's reasons for leaving operators outside.
    """

    name: str
    share: float
    partitions: int | None
    undelegated: dict[str, int] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()


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


class Throughput(Frozen):
    """Inferences of several streams at once, in a launch of its own: never the latency of one after another.

    Attributes:
        streams: threads that infer at the same time, each with a session or request of its own.
        threads: that the runtime computes with in each stream.
        cpus: that the process could use; None where the system does not tell.
        window_s: how long all worked.
        counts: inferences of each stream that ended in the window.
        busy_p50_ns, busy_p90_ns: of one inference while the other streams worked too.
        settings: options of the runtime that were set to other than their defaults.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    streams: int = Field(ge=1)
    threads: int = Field(ge=1)
    cpus: int | None
    window_s: float = Field(gt=0)
    counts: tuple[Count, ...] = Field(min_length=1)
    busy_p50_ns: Nanoseconds
    busy_p90_ns: Nanoseconds
    settings: dict[str, str | int] = Field(default_factory=dict)

    @property
    def per_s(self) -> float:
        """Inferences a second, of all streams together; each of a whole batch."""
        return sum(self.counts) / self.window_s

    @property
    def crowded(self) -> bool:
        """True where there are more threads than CPUs: they share them, and more streams would bring nothing."""
        return self.cpus is not None and self.streams * self.threads > self.cpus


class Energy(Frozen):
    """What one domain of the device spent on inferences in a row, all that ran there included.

    Attributes:
        domain: as the device names it: ``package-0`` is a CPU with its caches and memory controller, ``psys`` the whole
            platform, ``battery`` or ``BAT0`` what a battery gave.
        spent_uj: microjoules over the window, the power at rest not subtracted.
        window_s: from before the first sample to after the last; of a battery a window of its own after them.
        idle_w: power of the domain at rest, before the model was loaded; None where it is not known.
        inferences: in the window; None means the samples.
        updates: new readings of the battery's gauge in the window; None for a counter that is always up to date.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    domain: str
    spent_uj: int = Field(gt=0)
    window_s: float = Field(gt=0)
    idle_w: float | None = None
    inferences: int | None = Field(default=None, gt=0)
    updates: int | None = Field(default=None, gt=0)

    @property
    def watts(self) -> float:
        """Mean power over the window."""
        return self.spent_uj / 1e6 / self.window_s


class Pinning(Frozen):
    """The cores that the work was pinned to.

    Attributes:
        asked: what was asked for: ``big``, ``little`` or core numbers by commas.
        cpus: their numbers on the device.
    """

    asked: Cores
    cpus: tuple[Count, ...] = Field(min_length=1)


class Revision(Frozen):
    """The project's commit at the time of a measurement; ``dirty`` when tracked files had been changed since."""

    commit: str = Field(pattern=r"^[0-9a-f]{7,64}$")
    dirty: bool


class Measurement(Frozen):
    """Latency of one artifact on one device: raw samples, never summaries.

    Attributes:
        weights_sha256, classes: of the network's weights and outputs; empty and None in reports from before they were
            kept.
        settings: options of the runtime that were set to other than their defaults.
        warmup_ns, samples_ns: one entry per inference, in order.
        rounds: samples of each launch, in order, when there were several in turn with other artifacts; None for one.
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
        throughput: by the number of streams, in the order asked for; None when none was asked for.
        pinned: None when the system was free to move the work between all cores.
        energy: by domain, over the samples; None where the device has no counter, or one that tells nothing:
            ``energy_note`` says why.
        revision: of the project that measured; None outside a git work tree.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    schema_version: Literal[2] = 2
    model: Name
    profile: Name
    format: Format
    precision: Precision
    io: IoType
    artifact_sha256: str
    artifact_bytes: Count
    params: Count | None
    macs: Count | None
    weights_kind: Literal["random", "file", "pretrained"]
    preprocessing_origin: str = ""
    weights_sha256: str = ""
    classes: int | None = None
    parity_cosine: float | None
    parity_sqnr_db: float | None
    parity_top1_agree: Count | None
    parity_images: Count | None
    device: Device
    info: DeviceInfo
    runtime: Runtime
    runtime_version: str
    accelerator: Accelerator = "cpu"
    threads: int = Field(ge=1)
    pinned: Pinning | None = None
    settings: dict[str, str | int] = Field(default_factory=dict)
    batch: int = Field(default=1, ge=1)
    warmup_ns: tuple[Nanoseconds, ...]
    samples_ns: tuple[Nanoseconds, ...] = Field(min_length=1)
    rounds: tuple[Annotated[int, Field(gt=0)], ...] | None = None
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
    throughput: tuple[Throughput, ...] | None = None
    energy: tuple[Energy, ...] | None = None
    energy_note: str = ""
    state_before: DeviceState
    state_after: DeviceState
    versions: dict[str, str]
    measured_at: str
    verdict: Verdict
    revision: Revision | None = None

    @model_validator(mode="after")
    def _whole_rounds(self) -> Self:
        if self.rounds is not None and sum(self.rounds) != len(self.samples_ns):
            raise ValueError(f"rounds of {sum(self.rounds)} samples, but {len(self.samples_ns)} samples")
        return self

    @field_validator("measured_at")
    @classmethod
    def _moment(cls, text: str) -> str:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("a time needs its zone, such as +00:00")
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:  # at both ends of the calendar it has no other zone
            raise ValueError(f"a time is of the years {FIRST_YEAR} to {LAST_YEAR}")
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
    def round_medians_ms(self) -> tuple[float, ...]:
        """Median latency of each round, milliseconds; empty when there was one launch."""
        ends = list(itertools.accumulate(self.rounds or ()))
        return tuple(
            statistics.median(self.samples_ns[end - count : end]) / 1e6
            for end, count in zip(ends, self.rounds or (), strict=True)
        )

    @property
    def preprocessing_assumed(self) -> bool:
        """True when it is not known how the network's images were made, so its accuracy may differ."""
        return self.preprocessing_origin.startswith("assumed")

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
    def on_cores(self) -> str:
        """The text " on core 4, 5" when it was pinned to them, else none: to be added to a count of threads."""
        return "" if self.pinned is None else f" on core {', '.join(map(str, self.pinned.cpus))}"

    def millijoules(self, domain: Energy) -> float:
        """Energy of one inference in a domain: its window over the inferences in it."""
        return domain.spent_uj / 1e3 / (domain.inferences or len(self.samples_ns))

    @property
    def key(self) -> str:
        """File name stem of the stored report."""
        cores = None if self.pinned is None else self.pinned.asked
        return report_key(self.model, self.profile, self.runtime, self.accelerator, self.threads, cores, self.batch)
