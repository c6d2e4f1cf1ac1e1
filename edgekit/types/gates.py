"""The gate: the comparison, its conditions, its pairs and its result."""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from typing import Literal, Self

from pydantic import Field, model_validator

from .base import Accelerator, Cores, Frozen, Name, Runtime, report_key
from .devices import Contention, Device, DeviceState
from .urls import Url

GateStatus = Literal["PASS", "FAIL", "INCONCLUSIVE", "INVALID", "NOT_COMPARABLE", "BROKEN_OFF"]
EXIT_CODES: dict[GateStatus, int] = {
    "PASS": 0,
    "FAIL": 1,
    "INVALID": 3,
    "BROKEN_OFF": 3,
    "INCONCLUSIVE": 4,
    "NOT_COMPARABLE": 5,
}
"""The exit code of a run whose gates ended like this; of several the first of ``WORST_FIRST`` counts."""
WORST_FIRST: tuple[GateStatus, ...] = ("FAIL", "BROKEN_OFF", "INVALID", "NOT_COMPARABLE", "INCONCLUSIVE", "PASS")


class GateRule(Frozen):
    """When a candidate passes; see ``gate/rule.py`` for the reasons.

    Attributes:
        tolerance: slowdown that is accepted (0.01: 1 %); FAIL needs proof of more than this.
        delta: slowdown that must not go unnoticed; PASS needs proof of less than this.
        alpha: chance of a false FAIL at a true slowdown of ``tolerance``, over all looks and all gates of a run.
        looks: numbers of pairs at which a decision is tried; even, so that both orders are equally frequent.
        max_dropped: share of dropped pairs above which nothing is decided.
    """

    tolerance: float = Field(default=0.01, ge=0, lt=1)
    delta: float = Field(default=0.03, gt=0, lt=1)
    alpha: float = Field(default=0.025, gt=0, lt=0.5)
    looks: tuple[int, ...] = (8, 14, 20)
    max_dropped: float = Field(default=0.20, ge=0, lt=1)

    @model_validator(mode="after")
    def _decidable(self) -> Self:
        if self.delta <= self.tolerance:
            raise ValueError(f"delta ({self.delta:g}) must be above tolerance ({self.tolerance:g})")
        if not self.looks or list(self.looks) != sorted(set(self.looks)) or any(n < 6 or n % 2 for n in self.looks):
            raise ValueError(f"looks must be rising even numbers from 6, got {list(self.looks)}")
        return self

    @property
    def most_pairs(self) -> int:
        """Number of pairs, dropped ones included, after which the last look is taken or can no longer be reached."""
        return math.floor(self.looks[-1] / (1 - self.max_dropped))


class Conditions(Frozen):
    """The key of a comparison: what must be the same for a baseline to hold. None: the device does not tell.

    Attributes:
        cpu, machine, isa, cores: the SoC.
        system: kernel and build.
        governor, min_clock_khz, max_clock_khz: clock policy by CPU.
        affinity: CPUs that the measured process may use.
        settings: options of the runtime set to other than their defaults.
        delegated_ops: digest of which operators of the *baseline* the runtime executes, where and how.
        baseline_sha256: of the baseline's model file.
    """

    device: str
    cpu: str
    machine: str
    isa: tuple[str, ...]
    cores: int
    system: str
    governor: dict[str, str] | None
    min_clock_khz: dict[str, int] | None
    max_clock_khz: dict[str, int] | None
    affinity: tuple[int, ...] | None
    threads: int
    runtime: Runtime
    runtime_version: str
    accelerator: str
    settings: dict[str, str | int]
    delegated_ops: str
    baseline_sha256: str

    def differences(self, now: Conditions) -> tuple[Difference, ...]:
        """The keys in which ``now`` differs."""
        before, after = self.to_plain(), now.to_plain()
        return tuple(
            Difference(key=key, pinned=json.dumps(value), now=json.dumps(after[key]))
            for key, value in before.items()
            if value != after[key]
        )


class Difference(Frozen):
    """A key that differs from that of the pinned baseline; both values as JSON."""

    key: str
    pinned: str
    now: str


class Guard(Frozen):
    """One look at the device between two pairs.

    Attributes:
        sentinel_ns: median time of a fixed piece of work that has nothing to do with the models.
    """

    state: DeviceState
    sentinel_ns: int


class Pair(Frozen):
    """Baseline and candidate, one fresh process each, one after the other.

    Attributes:
        number: from 1, dropped pairs included.
        candidate_first: the order, drawn at random.
        baseline_ns, candidate_ns: raw samples, in order.
        dropped: why the pair does not count; empty when it does.
        disturbed: that is so because of what else the device did, not of what a launch answered.
        before, after: the device around it.
        baseline_cold_ns, candidate_cold_ns: loading and the first inference of each launch; None if not told.
        baseline_contention, candidate_contention: who else used the CPUs during each launch; None if not told.
    """

    number: int
    candidate_first: bool
    baseline_ns: tuple[int, ...]
    candidate_ns: tuple[int, ...]
    dropped: str = ""
    disturbed: bool = False
    before: Guard
    after: Guard
    baseline_cold_ns: int | None = None
    candidate_cold_ns: int | None = None
    baseline_contention: Contention | None = None
    candidate_contention: Contention | None = None

    @property
    def log_ratio(self) -> float:
        """ln(candidate/baseline) of the medians; only of a pair that was not dropped."""
        return math.log(statistics.median(self.candidate_ns) / statistics.median(self.baseline_ns))


class Look(Frozen):
    """The result of the pairs so far.

    Attributes:
        pairs: that count.
        ratio: candidate over baseline, 20 %-trimmed mean of the log ratios.
        low, high: one-sided bounds at the level of one look, as ratios.
        p_slower: of the hypothesis that the slowdown is at most the tolerance; small means slower. At this look alone.
    """

    pairs: int
    ratio: float
    low: float
    high: float
    p_slower: float


class OpChange(Frozen):
    """Time of the operators of one type in one inference, baseline and candidate, and how many there are."""

    type: str
    baseline_ns: int
    candidate_ns: int
    baseline_count: int
    candidate_count: int


class GateResult(Frozen):
    """One candidate against its baseline on one device.

    Attributes:
        cores: what both sides were pinned to, as asked for; None when they were free.
        batch: images of one inference.
        reason: of the status, a sentence.
        decided_by: what the status is about: the pairs, or what else gate.toml limits: the accuracy (``max_drop``), the
            file (its size, its delegated share), the peak memory or the cold start.
        pinned: when the baseline was pinned, and its median then, ms: shown, never judged. None when not pinned.
        p_slower: over all looks, before the correction for the other gates of the run; 1 when nothing was tested.
        family: gates in the run, which Holm's correction counts.
        seed: of the order of the sides.
        emulated: the times mean nothing.
        handicap: what slowed the candidate on purpose, in tests of the gate itself; empty in earnest.
        candidate_runtime: version of the candidate's runtime where two versions are compared; the conditions have the
            baseline's. Empty where both sides ran on one.
    """

    schema_version: Literal[1] = 1
    kind: Literal["gate"] = "gate"
    model: Name
    profile: Name
    runtime: Runtime
    accelerator: Accelerator = "cpu"
    threads: int
    cores: Cores | None = None
    batch: int = Field(default=1, ge=1)
    device: Device
    baseline: str
    baseline_sha256: str
    candidate: str
    candidate_sha256: str
    status: GateStatus
    reason: str
    decided_by: Literal["latency", "accuracy", "file", "memory", "cold start"] = "latency"
    rule: GateRule
    family: int = 1
    conditions: Conditions | None = None
    differences: tuple[Difference, ...] = ()
    pinned_at: str | None = None
    pinned_p50_ms: float | None = None
    p_slower: float = 1.0
    looks: tuple[Look, ...] = ()
    pairs: tuple[Pair, ...] = ()
    changes: tuple[OpChange, ...] = ()
    notes: tuple[str, ...] = ()
    emulated: bool = False
    handicap: dict[str, int | bool] = Field(default_factory=dict)
    candidate_runtime: str = ""
    seed: int
    started_at: str
    seconds: float = 0.0
    edgekit_version: str

    @property
    def key(self) -> str:
        """The same as that of a measurement."""
        where = self.runtime, self.accelerator, self.threads, self.cores
        return report_key(self.model, self.profile, *where, self.batch)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.model} {self.profile} {self.runtime}-{self.accelerator} {self.placing} on {self.device.id}"

    @property
    def placing(self) -> str:
        """Threads and cores in short: ``t2``, ``t2 c4,5``."""
        return f"t{self.threads}" + ("" if self.cores is None else f" c{self.cores}")

    @property
    def kept(self) -> tuple[Pair, ...]:
        """The pairs that count."""
        return tuple(pair for pair in self.pairs if not pair.dropped)

    @property
    def exit_code(self) -> int:
        """What the status means to a shell."""
        return EXIT_CODES[self.status]

    def p50_ms(self, role: Literal["baseline", "candidate"]) -> float | None:
        """Median over the kept pairs of a side's medians, milliseconds; None without pairs."""
        sides = [pair.baseline_ns if role == "baseline" else pair.candidate_ns for pair in self.kept]
        return statistics.median(statistics.median(side) for side in sides) / 1e6 if sides else None


def worst(statuses: list[GateStatus]) -> GateStatus:
    """The status of a whole run."""
    return next((status for status in WORST_FIRST if status in statuses), "PASS")


LARGEST_PINNED_BYTES = 1 << 30
"""Most bytes of one file: a pin says how much is fetched, and its author must not fill the disk."""


class PinnedFile(Frozen):
    """A file of the baseline."""

    name: Name
    size_bytes: int = Field(ge=0, le=LARGEST_PINNED_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Baseline(Frozen):
    """A pinned baseline: the content of ``baseline.json``, beside the artifact's manifest and its report.

    Untrusted input: whoever opens a pull request can write one, seal included.

    Attributes:
        url: where the files are to be had when they do not lie here: this, a slash and the name.
        seal: digest of everything else, so that a change by hand is noticed.
    """

    schema_version: Literal[1] = 1
    model: Name
    profile: Name
    conditions: Conditions
    files: tuple[PinnedFile, ...] = Field(min_length=1, max_length=32)
    url: Url | None = None
    p50_ms: float
    pinned_at: str
    edgekit_version: str
    seal: str = ""

    def sealed(self) -> Baseline:
        """The same with its seal."""
        return self.model_copy(update={"seal": self.digest()})

    def digest(self) -> str:
        """The digest that the seal must equal."""
        plain = {key: value for key, value in self.to_plain().items() if key != "seal"}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
