"""Build the forms of a network that are worth measuring, each once; one that fails is named and costs no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..artifacts.children import jobs
from ..artifacts.children.imports import NETWORK
from ..artifacts.make import make
from ..artifacts.prepare import MORE_TIME, Prepared
from ..artifacts.requests import EffectsRequest, FormRewrites
from ..base.processes.isolate import run_isolated
from ..base.progress import Progress, Step, silent
from ..errors import EdgekitError, ToolError, VerificationError
from ..forms.offered import offered_forms
from ..forms.resolve import kept_in_float, with_form
from ..types import Artifact, ExportProfile, FormOutcome, Stored, TargetClass, TriedForm


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


def build_all(
    prepared: Prepared, forms: Sequence[ExportProfile], folder: Path, progress: Progress
) -> tuple[list[Built], list[TriedForm]]:
    """Convert and verify every form that changes something else in this network; the built ones, and all others."""
    label = f"{prepared.card.id} {forms[0].name}"
    distinct, left_out = distinct_graphs(prepared, forms)
    built: list[Built] = []
    for number, profile in enumerate(distinct, 1):
        progress(Step(f"building form {number} of {len(distinct)}, {profile.form}", (label,)))
        made = build(prepared, profile, folder / f"form-{number}")
        if isinstance(made, TriedForm):
            left_out.append(made)
            continue
        same = [one for one in built if one.artifact.sha256 == made.artifact.sha256]
        if same:
            left_out.append(tried(profile, "same graph", f"the same file as {same[0].name}"))
        else:
            built.append(made)
    return built, left_out


def distinct_graphs(prepared: Prepared, forms: Sequence[ExportProfile]) -> tuple[list[ExportProfile], list[TriedForm]]:
    """The forms whose rewrites do different things to this network, and those left out, with the reason."""
    if len(forms) == 1:
        return list(forms), []
    request = EffectsRequest(
        network=prepared.source,
        forms={p.form: FormRewrites(rewrites=p.rewrites, keep_float=kept_in_float(p)) for p in forms},
    )
    what = f"rewriting {prepared.card.id}"
    limit_s = prepared.options.timeout_s
    found = run_isolated(jobs.effects, request, limit_s, what, more_time=MORE_TIME, imports=NETWORK)
    distinct: dict[object, ExportProfile] = {}
    left_out: list[TriedForm] = []
    for profile in forms:
        if profile.form in found.failed:
            left_out.append(tried(profile, "failed to convert", found.failed[profile.form]))
            continue
        done = tuple((one.name, one.count) for one in found.rewrites[profile.form] if one.count)
        effect = (done, found.kept[profile.form])
        if effect in distinct:
            left_out.append(tried(profile, "same graph", f"its rewrites do what those of {distinct[effect].form} do"))
        else:
            distinct[effect] = profile
    return list(distinct.values()), left_out


def build(prepared: Prepared, profile: ExportProfile, folder: Path) -> Built | TriedForm:
    """One form, made in ``folder`` as an export makes it; or how it failed."""
    folder.mkdir()
    attempt = make(prepared, profile, folder, silent)
    if attempt.stored is None:
        assert attempt.stage != "converted"
        return tried(profile, attempt.stage, str(attempt.error))
    return Built(profile, attempt.stored)


def none_left(label: str, forms: Sequence[TriedForm]) -> EdgekitError:
    """The error when no form came through."""
    lines = "\n".join(f"  {form.name}: {form.outcome}: {form.reason}" for form in forms)
    message = f"none of the {len(forms)} forms of {label} can be used:\n{lines}"
    if any(form.outcome == "failed to verify" for form in forms):
        return VerificationError(message, "edgekit export makes one form, and says what to do about it")
    return ToolError(message, "edgekit export makes one form, and shows what fails")
