"""The verb ``tune``: artifacts whose form is chosen, or whose speed-up is proven, by measurement."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..artifacts.device_parity import checked
from ..artifacts.prepare import ExportOptions, prepare
from ..artifacts.store import artifact_folder
from ..artifacts.tasks import Outcome
from ..base.files import check_writable
from ..base.owned import check_replaceable
from ..base.processes.warm import warm
from ..base.progress import JobEnded, Progress, Step, telling
from ..base.scratch import scratch_folder
from ..bench.choice import Compared, Question, compare
from ..bench.paired import Contender
from ..bench.session import Session
from ..catalog import find_card
from ..errors import EdgekitError, UsageError
from ..forms.resolve import resolve
from ..types import ChosenForm, ExportProfile, Int8VsFloat, Measurement, TriedForm, Tuning, TuningConditions
from ..zoo.preprocessing import settled
from ..zoo.weights import resolve_weights
from .build import Built, TunedNetwork, build_all, none_left, tried
from .place import Place, on_target
from .speedup import int8_vs_float, shortfall, unknown_speedup
from .zoo import ZooNetwork

FLOAT = "float32"
"""The contender that int8 is compared with; no form is called so."""


@dataclass(frozen=True)
class Wishes:
    """What a measurement is to decide.

    Attributes:
        forms: choose the fastest form.
        speedup: int8 must be more than this many times as fast as float32; None asks nothing.
    """

    forms: bool = True
    speedup: float | None = None


def export_measured(
    models: Sequence[str],
    profiles: Sequence[ExportProfile],
    options: ExportOptions,
    place: Place,
    wishes: Wishes,
    progress: Progress,
) -> list[Outcome]:
    """Export every model with every profile, the form chosen, or the speed-up proven, on ``place``.

    Raises:
        UsageError: an unknown model or weights, a target that is not the device's, what :func:`check_wishes` refuses,
            unusable images, or somebody else's folder where an artifact is to be: found before any work starts.
        ToolError: ``options.out`` cannot be written.
        EdgekitError: the only model cannot be built; one of several becomes failed outcomes.
    """
    check_wishes(profiles, wishes)
    wanted = [on_target(profile, place) for profile in profiles]
    cards = [find_card(name) for name in models]
    checkpoints = [resolve_weights(card, options.weights) for card in cards]
    cards = [settled(card, file, options.input) for card, file in zip(cards, checkpoints, strict=True)]
    bases = [[resolve(card, profile, float_instead=False).profile for profile in wanted] for card in cards]
    for card, plan in zip(cards, bases, strict=True):
        for profile in plan:
            check_replaceable(artifact_folder(options.out, card.id, profile.name))
    check_writable(options.out, "--out")
    outcomes: list[Outcome] = []
    for card, checkpoint, plan in zip(cards, checkpoints, bases, strict=True):
        with warm(), scratch_folder("tune") as work:
            progress(Step("building the network and its float reference", (card.id,)))
            start = time.monotonic()
            try:
                prepared = prepare(card, checkpoint, options, work)
            except EdgekitError as error:
                if len(cards) == 1:
                    raise
                spent = time.monotonic() - start
                outcomes += [Outcome(card.id, p.name, "failed to convert", spent, error=error) for p in plan]
                total = len(cards) * len(wanted)
                progress(JobEnded(f"failed to build: {error}", (card.id,), len(outcomes), total))
                continue
            for base in plan:
                outcomes.append(choose(ZooNetwork(prepared), base, place, wishes, progress))
                about, total = (f"{card.id} {base.name}",), len(cards) * len(wanted)
                progress(JobEnded(outcomes[-1].status, about, len(outcomes), total))
    return outcomes


def check_wishes(profiles: Sequence[ExportProfile], wishes: Wishes) -> None:
    """Refuse what no device can decide, before one is connected to.

    Raises:
        UsageError: a speed-up that cannot be asked for.
    """
    if wishes.speedup is None:
        return
    if not 0 < wishes.speedup < math.inf:
        message = f"--min-speedup must be a number above 0, got {wishes.speedup:g}"
        raise UsageError(message, "1 asks that int8 is faster than float32, as --require-speedup does")
    other = [profile.name for profile in profiles if profile.precision != "int8"]
    if other:
        raise UsageError(f"--require-speedup compares int8 with float32; {other[0]} is not int8", "add --int8")


def choose(network: TunedNetwork, base: ExportProfile, place: Place, wishes: Wishes, progress: Progress) -> Outcome:
    """One artifact; a failure becomes the outcome and leaves nothing behind."""
    start = time.monotonic()
    outcome = Outcome(network.name, base.name, "failed to convert", 0.0)
    try:
        with tempfile.TemporaryDirectory(dir=network.folder) as folder:
            outcome = measured(network, base, Path(folder), place, wishes, progress)
    except EdgekitError as error:
        outcome = replace(outcome, error=error)
    return replace(outcome, seconds=time.monotonic() - start)


def measured(
    network: TunedNetwork, base: ExportProfile, folder: Path, place: Place, wishes: Wishes, progress: Progress
) -> Outcome:
    """Build, measure, choose, judge, and put the chosen artifact in its place."""
    label = f"{network.name} {base.name}"
    blank = Outcome(network.name, base.name, "failed to convert", 0.0)
    forms = network.forms(base, place.target) if wishes.forms else [base]
    built, left_out = build_all(network, forms, folder, progress)
    if not built:
        unverified = any(form.outcome == "failed to verify" for form in left_out)
        failed = replace(blank, status="failed to verify") if unverified else blank
        return replace(failed, error=none_left(label, left_out))
    float_ = build_float(network, base, folder / "float", progress) if base.precision == "int8" else None
    if isinstance(float_, TriedForm) and wishes.speedup is not None:
        return replace(blank, error=none_left(f"{label} in float32", [float_]))
    rival = float_ if isinstance(float_, Built) else None
    with place.session(telling(label, progress)) as session:
        usable, first, failed_there = try_out(built, session, progress)
        left_out += failed_there
        if first is None:
            return replace(blank, status="failed to verify", error=none_left(label, left_out))
        conditions = place.conditions(first)
        found = measure(usable, rival, session, place, wishes, telling(label, progress))
        tuning = decide(usable, left_out, base.form, found, conditions)
        chosen = next(one for one in usable if one.name == tuning.choice)
        against = None
        if rival is not None and (ratio := found.ratio(FLOAT, chosen.name)) is not None:
            progress(Step("timing operators", (label,)))
            bound = wishes.speedup or 1.0
            against = int8_vs_float(ratio, chosen, rival, session, conditions, bound, found.overload)
    return keep(network, chosen, tuning if wishes.forms else None, against, wishes)


def build_float(network: TunedNetwork, base: ExportProfile, folder: Path, progress: Progress) -> Built | TriedForm:
    """The float32 artifact that int8 has to beat."""
    profile = network.in_float(base)
    progress(Step(f"building {profile.name} to compare with", (f"{network.name} {base.name}",)))
    return network.build(profile, folder)


def try_out(
    built: Sequence[Built], session: Session, progress: Progress
) -> tuple[list[Built], Measurement | None, list[TriedForm]]:
    """Run every form on the device once and compare its outputs there: the usable ones, a measurement, the others."""
    usable: list[Built] = []
    failed: list[TriedForm] = []
    first: Measurement | None = None
    for one in built:
        try:
            taken = checked(one.stored, session, session.latency, telling(one.name, progress))
        except EdgekitError as error:
            failed.append(tried(one.profile, "failed on the device", str(error)))
            continue
        usable.append(one)
        first = first or taken
    return usable, first, failed


def measure(
    forms: Sequence[Built], rival: Built | None, session: Session, place: Place, wishes: Wishes, progress: Progress
) -> Compared:
    """All rounds: each form against the first, and the first against float where there is one."""
    contenders = [Contender(one.name, one.stored) for one in forms]
    questions = [Question(forms[0].name, one.name) for one in forms[1:]]
    if rival is not None:
        contenders.append(Contender(FLOAT, rival.stored))
        questions.append(Question(FLOAT, forms[0].name, wishes.speedup or 1.0, may_leave=False))
    if not questions:  # a single form without a rival: nothing to find out
        return Compared(confidence=0.95)
    return compare(session, contenders, questions, progress, place.looks, place.spare)


def decide(
    forms: Sequence[Built], left_out: Sequence[TriedForm], base: str, found: Compared, conditions: TuningConditions
) -> Tuning:
    """The first form, unless another beats it with its whole interval; of several the one of the largest ratio."""
    first = forms[0].name
    tries: list[TriedForm] = []
    for one in forms:
        question = Question(first, one.name)
        outcome = "base" if one.name == first else found.speed(question)
        share = one.artifact.float_macs_share if one.artifact.precision == "int8" else 0.0
        update = {"ratio": found.ratios.get(question), "p50_ms": found.p50_ms(one.name), "float_macs": share}
        tries.append(tried(one.profile, outcome).model_copy(update=update))
    beating = {form.name: form.ratio.ratio for form in tries if form.outcome == "faster" and form.ratio is not None}
    choice = max(beating, key=lambda name: beating[name]) if beating else first
    reason = why(choice, first, tries, found)
    if first != base:
        reason = f"{base} failed, so that {first} was the base; {reason}"
    return Tuning(conditions=conditions, base=first, choice=choice, reason=reason, forms=(*tries, *left_out))


def why(choice: str, first: str, tries: Sequence[TriedForm], found: Compared) -> str:
    """The reason for a choice, in words."""
    dropped = f" ({found.dropped} rounds dropped: the device throttled)" if found.dropped else ""
    if choice != first:
        ratio = next(form.ratio for form in tries if form.name == choice)
        assert ratio is not None
        spread = f"{ratio.low:.2f} to {ratio.high:.2f}, {ratio.pairs} pairs"
        return f"{choice} is {ratio.ratio:.2f}x as fast as {first} ({spread}){dropped}"
    if len(tries) == 1:
        return f"{first} is the only form that is left"
    if found.overload:
        return f"{first} stays: the device is overloaded ({found.overload}), so that no form can be called faster"
    open_ = [form for form in tries if form.outcome == "undecided"]
    if open_:
        ranges = ", ".join(
            f"{form.name} {form.ratio.low:.2f} to {form.ratio.high:.2f}x" if form.ratio else form.name for form in open_
        )
        return f"{first} stays: the device is too noisy to tell whether another is faster ({ranges}){dropped}"
    return f"{first} stays: no other form is faster{dropped}"


def keep(
    network: TunedNetwork, chosen: Built, tuning: Tuning | None, against: Int8VsFloat | None, wishes: Wishes
) -> Outcome:
    """Put the chosen artifact in its place and remember the choice; unless a required speed-up was missed."""
    profile = chosen.profile
    outcome = Outcome(network.name, profile.name, "converted", 0.0)
    if wishes.speedup is not None:
        error = unknown_speedup() if against is None else shortfall(against, wishes.speedup)
        if error is not None:
            return replace(outcome, status="not fast enough", error=error)
    update: dict[str, object] = {"int8_vs_float": against, "tuning": tuning}
    if tuning is not None:
        update["form"] = ChosenForm(
            name=chosen.name, by="tuning", measured_on=tuning.conditions.target, note=tuning.reason
        )
    artifact = chosen.artifact.model_copy(update=update)
    kept = network.keep(chosen, artifact)
    note = "" if tuning is None else network.remember(chosen, tuning, against)
    return replace(outcome, folder=kept.folder, artifact=artifact, note=note)
