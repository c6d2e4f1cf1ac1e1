"""The verb ``pick``: the network and artifact to take, from what was measured on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...artifacts.accuracy.kept import Key, known_evaluations
from ...base.progress import Progress, Warned, silent
from ...catalog import cards
from ...devices.virtual.simulated import SIMULATED
from ...errors import NotComparableError, UsageError, VerificationError, did_you_mean
from ...reports.brief.asks import ESTIMATE
from ...reports.compared.comparable import differences
from ...reports.indexed.reader import read_latest
from ...reports.store import Damaged
from ...reports.summary import published_top1
from ...select.pareto import SOFT, Candidate, Limits, Ranked, near_limit, rank
from ...types import Evaluation, ModelCard, Summary

ALLOWED = ("threads", "pinned cores", "runtime version", "runtime settings", "accelerator")
"""Conditions that are part of the choice."""


@dataclass(frozen=True)
class Pick:
    """The candidates in their order, the first of which is the choice, and what speaks against it."""

    ranked: list[Ranked]
    doubts: list[str]
    left_out: list[str]
    damaged: list[Damaged]

    @property
    def choice(self) -> Ranked:
        """What to take."""
        return self.ranked[0]


def pick(
    device: str,
    limits: Limits,
    reports: Path,
    exponent: float = SOFT,
    progress: Progress = silent,
    artifacts: Path = Path("artifacts"),
) -> Pick:
    """The best of the latest measurements of a device that keeps the limits.

    Args:
        device: id of the device.
        limits: what the choice must keep.
        reports: the store.
        exponent: w of MnasNet's objective.
        progress: told when many measurements are read.
        artifacts: folder of exported artifacts, beside which evaluations are kept.

    Raises:
        UsageError: nothing was measured there, or the exponent is above 0.
        NotComparableError: all of it is emulated.
        VerificationError: nothing keeps the limits; the message names the nearest.
    """
    if exponent > 0:
        raise UsageError(f"--exponent must be 0 or below, got {exponent:g}", "above 0 the slowest would be the best")
    found, damaged = read_latest(reports, progress)
    devices = {one.measurement.device.id for one in found}
    there = [one.measurement for one in found if one.measurement.device.id == device]
    if not there and device in SIMULATED:
        raise UsageError(
            f"{device} counts instructions and measures no latency, by which pick chooses",
            "edgekit report shows the counts; pick for a device that was measured",
        )
    if not there:
        hint = did_you_mean(device, devices) or f"edgekit profile --device {device}"
        raise UsageError(f"no measurements of {device!r} under {reports}", hint)
    if all(m.emulated for m in there):
        raise NotComparableError(
            f"{device} is emulated: its latencies mean nothing, and no choice can be built on them",
            ESTIMATE,
        )
    kept, left_out = trustworthy(there)
    if not kept:
        raise VerificationError(f"nothing to choose from on {device}: {'; '.join(left_out)}", "measure again")
    known = cards()
    accuracy, unreadable = known_evaluations(artifacts)
    for error in unreadable:
        progress(Warned(f"no accuracy from {error}"))
    ranked = rank([candidate(m, known, accuracy) for m in kept], limits, exponent)
    if ranked[0].missed:
        nearest = min(ranked, key=lambda r: (len(r.missed), r.candidate.latency_ms))
        raise VerificationError(
            f"none of {len(ranked)} measured artifacts on {device} keeps the limits; nearest is "
            f"{name(nearest.candidate.measurement)}: {'; '.join(nearest.missed)}",
            "measure smaller networks or int8, or loosen a limit",
        )
    return Pick(ranked, doubts(ranked, limits), left_out, damaged)


def trustworthy(measurements: Sequence[Summary]) -> tuple[list[Summary], list[str]]:
    """Those that a choice may rest on, and why the others are left out."""
    kept, left_out = [], []
    for m in measurements:
        if m.emulated or m.verdict.name == "throttled":
            word = "emulated" if m.emulated else "throttled"
            left_out.append(f"{name(m)} is {word}: {'; '.join(m.verdict.reasons) or 'its latency means nothing'}")
        else:
            kept.append(m)
    return kept, left_out


def candidate(m: Summary, known: Mapping[str, ModelCard], evaluations: Mapping[Key, Evaluation]) -> Candidate:
    """A measurement with the accuracy of its weights, or of the network that random ones stand for.

    The published figure, less what the artifact loses against its float network where that was evaluated; where nobody
    published one, the top-1 that was measured.
    """
    published, source = published_top1(known.get(m.model), m)
    found = evaluations.get((m.artifact_sha256, m.weights_sha256))
    if found is None or m.weights_kind == "random":
        return Candidate(m, published, f"published, {source}" if source else "")
    if published is not None and found.drop is not None:
        less = 100 * found.drop.drop
        return Candidate(m, round(published - less, 2), f"published, {source}, less the {less:.2f} measured", found)
    if published is None and found.top1 is not None:
        return Candidate(m, round(100 * found.top1.share, 2), f"measured on {found.data}", found)
    return Candidate(m, published, f"published, {source}" if source else "", found)


def data_of(one: Candidate) -> str:
    """On which images an accuracy was found."""
    return one.source.removeprefix("measured on ") if one.source.startswith("measured on ") else "ImageNet"


def name(m: Summary) -> str:
    """Model, profile, threads and cores."""
    return f"{m.model} {m.profile}, {m.threads} thread{'' if m.threads == 1 else 's'}{m.on_cores}"


def doubts(ranked: Sequence[Ranked], limits: Limits) -> list[str]:
    """What speaks against the choice, or is not known of it."""
    first = ranked[0].candidate
    m = first.measurement
    said = []
    if m.verdict.name == "noisy":
        said.append(f"its latency is noisy: {'; '.join(m.verdict.reasons)}")
    if near_limit(first, limits):
        said.append(f"the interval of its latency reaches beyond {limits.latency_ms:g} ms")
    if first.accuracy is None:
        own = m.weights_kind != "random" and "; edgekit evaluate tells that of its weights"
        said.append(f"no accuracy is published for it: it was chosen by latency alone{own or ''}")
    elif first.evaluation is not None and first.evaluation.drop is not None:
        said.append(f"its top-1 less that of its reference, measured: {first.evaluation.drop_text}")
    elif m.precision == "int8" and first.evaluation is None:
        agree = f"; int8 and float agree on {m.parity_top1_agree} of {m.parity_images} photos"
        known = "" if m.weights_kind == "random" or m.parity_images is None else agree
        said.append(f"its accuracy is that of the float network; what int8 costs was not evaluated{known}")
    if first.accuracy is not None and m.weights_kind == "random":
        said.append("the weights that were measured are random: the accuracy is what the network reaches when trained")
    sources = {data_of(one.candidate) for one in ranked if one.candidate.accuracy is not None}
    if len(sources) > 1:
        said.append(f"the accuracies are of different images ({', '.join(sorted(sources))}): the order may be off")
    others = {other.candidate.measurement.ground: other.candidate.measurement for other in ranked[1:]}
    ways = sorted({d.key for other in others.values() for d in differences(m, other) if d.key not in ALLOWED})
    if ways:
        said.append(f"the others were measured under other conditions ({', '.join(ways)}): the order may be off")
    return said
