"""Build the forms of a network that are worth measuring, each once; one that fails is named and costs no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..base.progress import Progress, Step
from ..errors import EdgekitError, ToolError, VerificationError
from ..forms.offered import offered_forms
from ..forms.resolve import kept_in_float, with_form
from ..types import Artifact, ExportProfile, FormOutcome, Int8VsFloat, Rewrite, Stored, TargetClass, TriedForm, Tuning


@dataclass(frozen=True)
class Built:
    """A verified artifact of one form, in a folder of its own."""

    profile: ExportProfile
    stored: Stored

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.stored.folder

    @property
    def artifact(self) -> Artifact:
        """Its manifest."""
        return self.stored.artifact

    @property
    def name(self) -> str:
        """The form."""
        return self.profile.form


def forms_to_try(base: ExportProfile, target: TargetClass) -> list[ExportProfile]:
    """``base`` and the profile in every form that asks for something else."""
    tried = [base]
    for form in offered_forms(base.format, base.precision, target):
        other = with_form(base, form.name, form.rewrites, form.keep_float)
        if all(wanted(other) != wanted(one) for one in tried):
            tried.append(other)
    return tried


def wanted(profile: ExportProfile) -> object:
    """The rewrites and float layers of a form."""
    return profile.rewrites, profile.quantization


def tried(profile: ExportProfile, outcome: FormOutcome, reason: str = "") -> TriedForm:
    """A form with an outcome."""
    return TriedForm(
        name=profile.form,
        rewrites=profile.rewrites,
        keep_float=kept_in_float(profile),
        outcome=outcome,
        reason=reason,
    )


def first_of_each(
    forms: Sequence[ExportProfile], effect: Callable[[ExportProfile], object]
) -> tuple[list[ExportProfile], list[TriedForm]]:
    """The forms of different effects, and those left out, with the reason; an effect may be a form that failed."""
    distinct: dict[object, ExportProfile] = {}
    left_out: list[TriedForm] = []
    for profile in forms:
        found = effect(profile)
        if isinstance(found, TriedForm):
            left_out.append(found)
        elif found in distinct:
            left_out.append(tried(profile, "same graph", f"its rewrites do what those of {distinct[found].form} do"))
        else:
            distinct[found] = profile
    return list(distinct.values()), left_out


def done(rewrites: Sequence[Rewrite]) -> tuple[tuple[str, int], ...]:
    """The rewrites that changed something, and how many places."""
    return tuple((one.name, one.count) for one in rewrites if one.count)


class TunedNetwork(Protocol):
    """A network whose forms are built and measured: of the zoo, or a user's own."""

    @property
    def name(self) -> str:
        """Of its artifacts' folder."""

    @property
    def folder(self) -> Path:
        """Where work in progress goes."""

    def forms(self, base: ExportProfile, target: TargetClass) -> list[ExportProfile]:
        """``base``, and the profile in every form that may be another file."""

    def distinct(self, forms: Sequence[ExportProfile]) -> tuple[list[ExportProfile], list[TriedForm]]:
        """The forms that do different things to this network, and those left out, with the reason."""

    def build(self, profile: ExportProfile, folder: Path) -> Built | TriedForm:
        """One form, made in the new folder ``folder`` as an export makes it; or how it failed."""

    def in_float(self, base: ExportProfile) -> ExportProfile:
        """The float32 profile that an int8 artifact of ``base`` has to beat."""

    def keep(self, chosen: Built, artifact: Artifact) -> Stored:
        """Put a built form in its place, with ``artifact`` as its manifest."""

    def remember(self, chosen: Built, tuning: Tuning, against: Int8VsFloat | None) -> str:
        """Let later exports take the form; a line that says so, empty where they will not."""


def build_all(
    network: TunedNetwork, forms: Sequence[ExportProfile], folder: Path, progress: Progress
) -> tuple[list[Built], list[TriedForm]]:
    """Convert and verify every form that changes something else in this network; the built ones, and all others."""
    label = f"{network.name} {forms[0].name}"
    distinct, left_out = network.distinct(forms)
    built: list[Built] = []
    for number, profile in enumerate(distinct, 1):
        progress(Step(f"building form {number} of {len(distinct)}, {profile.form}", (label,)))
        made = network.build(profile, folder / f"form-{number}")
        if isinstance(made, TriedForm):
            left_out.append(made)
            continue
        same = [one for one in built if one.artifact.sha256 == made.artifact.sha256]
        if same:
            left_out.append(tried(profile, "same graph", f"the same file as {same[0].name}"))
        else:
            built.append(made)
    return built, left_out


def none_left(label: str, forms: Sequence[TriedForm]) -> EdgekitError:
    """The error when no form came through; a form that is the same as another failed with it."""
    distinct = [form for form in forms if form.outcome != "same graph"]
    lines = "\n".join(f"  {form.name}: {form.outcome}: {form.reason}" for form in distinct)
    forms_of = "the only form" if len(distinct) == 1 else f"none of the {len(distinct)} forms"
    message = f"{forms_of} of {label} can{'not' * (len(distinct) == 1)} be used:\n{lines}"
    if any(form.outcome == "failed to verify" for form in distinct):
        return VerificationError(message, "edgekit export makes one form, and says what to do about it")
    return ToolError(message, "edgekit export makes one form, and shows what fails")
