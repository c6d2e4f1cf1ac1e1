"""The verb ``lint``: ShuffleNet V2's guidelines on a network, layer by layer, with measured times where there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...artifacts.own.requests import Sized
from ...base.progress import Progress, silent
from ...devices.virtual.simulated import SIMULATED
from ...errors import UsageError
from ...reports.guideline_store import calibrations
from ...reports.indexed.reader import read_latest
from ...reports.page.operators import family
from ...reports.store import load
from ...select.findings import Finding, find_layers
from ...select.guidelines import Advice, advise
from ...select.weights import weight
from ...types import Measurement, NetworkFacts
from ...types.calibrations import Calibration
from .facts import facts_of
from .times import layer_times


@dataclass(frozen=True)
class Timed:
    """A measurement with operator times.

    Attributes:
        layers: nanoseconds by convolution; empty where the runtime does not tell which is which.
        element_wise: share of the operators' summed time in element-wise ones.
    """

    measurement: Measurement
    layers: dict[str, int]
    element_wise: float


@dataclass(frozen=True)
class Linted:
    """What the guidelines say of a network.

    Attributes:
        totals: a line a guideline.
        findings: of layers, what could be spared first.
        timed: None where no measurement of this network on the device has operator times.
        here: what the guidelines weigh on the device that was named; None where that was not calibrated.
    """

    model: str
    facts: NetworkFacts
    totals: tuple[Advice, ...]
    findings: tuple[Finding, ...]
    timed: Timed | None
    here: Calibration | None = None

    def weight_of(self, finding: Finding) -> float | None:
        """How much longer the layer's multiply-accumulates take on the device by its micro-benchmarks."""
        convolutions = {conv.name: conv for conv in self.facts.convolutions}
        return None if self.here is None else weight(finding, convolutions, self.here)

    def ns_of(self, finding: Finding) -> int | None:
        """The measured time of the layer that a finding is about."""
        return None if self.timed is None else self.timed.layers.get(finding.layer)


def lint(
    name: str,
    device: str | None = None,
    *,
    profile: str | None = None,
    inputs: Sequence[Sized] = (),
    reports: Path = Path("device_reports"),
    progress: Progress = silent,
) -> Linted:
    """Look at a network's layers by the guidelines.

    Args:
        name: model id, card file, or code (``net.py``, ``net.py:factory``, ``package.module:factory``).
        device: whose stored measurements to show beside; every device's when None.
        profile: of the artifact whose measurement to show; the fastest one that has operator times when None.
        inputs: shapes of a network of a user's own code.
        reports: the store.
        progress: receives an event as each step begins.

    Raises:
        UsageError: no such network, a network without convolutions, or no measurement of the device or profile named.
        ToolError: PyTorch is not installed, or the code's process crashed.
    """
    model, facts = facts_of(name, inputs, progress)
    timed = timed_of(model, facts, device, profile, reports, progress)
    here = None
    if device is not None:
        known = calibrations(reports, device)
        wanted = None if timed is None else timed.measurement.format
        here = next((one for one in known if one.format == wanted), known[0] if known else None)
    return Linted(model, facts, tuple(advise(facts)), tuple(find_layers(facts)), timed, here)


def timed_of(
    model: str, facts: NetworkFacts, device: str | None, profile: str | None, reports: Path, progress: Progress
) -> Timed | None:
    """The measurement to show: of those with operator times the fastest, one that tells layers apart before others.

    Raises:
        UsageError: a device or profile was named that has none.
    """
    found, _ = read_latest(reports, progress)
    there = [one for one in found if one.measurement.model == model and not one.measurement.emulated]
    chosen = [
        one
        for one in there
        if device in (None, one.measurement.device.id) and profile in (None, one.measurement.profile)
    ]
    calibrated = device is not None and profile is None and bool(calibrations(reports, device))
    if not chosen and not calibrated and (device is not None or profile is not None):
        if device in SIMULATED and profile is None:
            raise UsageError(
                f"{device} counts whole functions, which no layer can be told of, and its weights are not known",
                f"edgekit lint --calibrate --device {device} counts what each guideline costs there",
            )
        where = " ".join(word for word in (profile and f"as {profile}", device and f"on {device}") if word)
        known = ", ".join(sorted({f"{one.measurement.profile} on {one.measurement.device.id}" for one in there}))
        command = f"edgekit profile {model}{f' --device {device}' if device else ''} --per-op"
        hint = f"there is {known}; or measure it: {command}" if known else f"measure it: {command}"
        raise UsageError(f"no measurement of {model} {where} under {reports}", hint)
    timed = []
    for one in sorted(chosen, key=lambda one: one.measurement.p50_ms):
        measurement = load(one.path)
        if measurement.per_op:
            timed.append(time_of(measurement, facts))
    return next((one for one in timed if one.layers), timed[0] if timed else None)


def time_of(measurement: Measurement, facts: NetworkFacts) -> Timed:
    """A measurement's operator times by layer."""
    operators = measurement.per_op or ()
    total = sum(op.ns for op in operators) or 1
    spent = sum(op.ns for op in operators if family(op) == "element-wise")
    return Timed(measurement, layer_times(facts.convolutions, measurement), spent / total)
