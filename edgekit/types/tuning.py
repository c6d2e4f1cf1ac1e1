"""Forms of a network compared by paired measurements, and the choices that followed."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from .base import Format, Frozen, Precision, Runtime, TargetClass

FormOutcome = Literal[
    "base",
    "faster",
    "no faster",
    "slower",
    "undecided",
    "same graph",
    "failed to convert",
    "failed to verify",
    "failed on the device",
]
Speed = Literal["faster", "no faster", "slower", "undecided"]


class Ratio(Frozen):
    """Latency of a base over that of another, from pairs of fresh processes: above 1 = the other is faster.

    Attributes:
        ratio: 20 %-trimmed mean of the pairs' log ratios, as a ratio.
        low, high: its interval (Yuen 1974) at ``confidence``.
    """

    ratio: float
    low: float
    high: float
    pairs: int
    confidence: float = 0.95

    @property
    def faster(self) -> bool:
        """True when the whole interval says that the other is faster."""
        return self.low > 1

    @property
    def slower(self) -> bool:
        """True when the whole interval says that the other is slower."""
        return self.high < 1


class TuningConditions(Frozen):
    """The conditions of a comparison.

    Attributes:
        cores: what every launch was pinned to, as it was asked for; None where the system placed it.
    """

    model: str
    target: TargetClass
    device: str
    cpu: str
    runtime: Runtime
    runtime_version: str
    threads: int
    cores: str | None = None
    date: str

    @property
    def workers(self) -> str:
        """The threads, and the cores that they were pinned to, in words."""
        return f"{self.threads} thread(s)" + ("" if self.cores is None else f" on cores {self.cores}")


class TriedForm(Frozen):
    """A form and its result.

    Attributes:
        rewrites: passes asked for, in order.
        outcome: against the base form; ``same graph``: its rewrites find nothing more to do than another form's.
        ratio: latency of the base form over this one's.
        p50_ms: median of the launches' medians, for orientation: only the ratio is paired.
        float_macs: share of the multiply-accumulates that it computes in float, by the form and for accuracy, 0 to 1.
        reason: what failed, or which form is the same.
    """

    name: str
    rewrites: tuple[str, ...]
    keep_float: tuple[str, ...] = ()
    outcome: FormOutcome
    ratio: Ratio | None = None
    p50_ms: float | None = None
    float_macs: float = 0.0
    reason: str = ""


class Tuning(Frozen):
    """How the form of an artifact was chosen by measurement.

    Attributes:
        base: the form that an untuned export takes, or the first that could be built.
        choice: the form taken.
        reason: why, in words.
    """

    conditions: TuningConditions
    base: str
    choice: str
    reason: str
    forms: tuple[TriedForm, ...]


class Int8VsFloat(Frozen):
    """An int8 artifact against the float form of the same network, measured in pairs.

    Attributes:
        ratio: latency of float over that of int8: above 1 = int8 is faster.
        costs: what int8 spends its time on, in words; empty when it is faster.
        overload: how busy the device was, in words, where that leaves the ratio without meaning; else empty.
    """

    conditions: TuningConditions
    speed: Speed
    ratio: Ratio
    costs: tuple[str, ...] = ()
    overload: str = ""


class Evidence(Frozen):
    """A ratio that a table of known forms rests on.

    Attributes:
        low, high, pairs: of its 95 % interval or wider; None where the source gave none.
        model: the network that was measured.
        cores: what it was pinned to, as it was asked for; None where the system placed it.
        date: of the measurement, ``YYYY-MM-DD``; None where the source gave none.
    """

    ratio: float
    low: float | None = None
    high: float | None = None
    pairs: int | None = None
    model: str
    cpu: str
    runtime_version: str
    threads: int = 1
    cores: str | None = None
    date: str | None = None


class CountedEvidence(Frozen):
    """Counts on a simulated core that a line of a table rests on; no latency was measured.

    Attributes:
        instructions: of the form named by ``against`` over those of this one: above 1 = this one executes less.
        cycles: likewise, estimated by the model of the core.
        model: the network that was counted.
        core: QEMU's name of it.
        date: of the counting, ``YYYY-MM-DD``.
    """

    instructions: float
    cycles: float
    model: str
    core: str
    runtime_version: str
    date: str


class KnownForm(Frozen):
    """One line of a table: the form to take for a network, format and precision.

    Attributes:
        network: a family, or the id of a card, which goes before its family.
        form: its name; without ``rewrites`` one of those that edgekit offers.
        takes: another precision that is exported in place of this one, because it is faster.
        measured: on the table's own target; else ``note`` says what speaks for the form.
        against: name of the form that ``evidence`` compares it with: base latency over this form's.
        int8_vs_float: float latency over int8 latency, where that was measured.
        counted: what counts on a simulated core say, against the same form.
    """

    network: str
    format: Format
    precision: Precision
    form: str
    rewrites: tuple[str, ...] | None = None
    keep_float: tuple[str, ...] = ()
    takes: Precision | None = None
    measured: bool
    against: str = "default"
    evidence: Evidence | None = None
    int8_vs_float: Evidence | None = None
    counted: CountedEvidence | None = None
    note: str = ""

    @model_validator(mode="after")
    def _founded(self) -> KnownForm:
        if self.measured and self.evidence is None and self.int8_vs_float is None:
            raise ValueError("measured = true needs an [evidence] or [int8_vs_float] table")
        if not self.measured and not self.note:
            raise ValueError("measured = false needs a note that says what speaks for the form")
        if self.takes is not None and self.precision != "int8":
            raise ValueError('takes goes with precision = "int8", and only with it')
        return self


class FormTable(Frozen):
    """What is known of one target class: the content of ``export_profiles/defaults/<target>.toml``.

    Attributes:
        otherwise: a target whose forms hold here too, unmeasured, where ``known`` has none.
    """

    target: TargetClass
    otherwise: TargetClass | None = None
    known: tuple[KnownForm, ...] = ()


class ChosenForm(Frozen):
    """The form of an artifact, and what it rests on.

    Attributes:
        name: of the form; ``default`` is the profile's own.
        by: who chose it: the profile itself, a table of defaults, tuning, or a user who named it.
        measured_on: the target class where it was measured; None when it was not.
        evidence: of the table; ``against``: the form that it compares this one with.
        note: what a user should know, in words.
    """

    name: str
    by: Literal["profile", "table", "tuning", "name"]
    measured_on: TargetClass | None = None
    evidence: Evidence | None = None
    against: str = ""
    note: str = ""
