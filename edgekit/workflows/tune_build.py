"""Build the forms of a network that are worth measuring, each once; one that fails is named and costs no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import EdgekitError, ToolError, VerificationError
from ..files import write_atomic
from ..isolate import run_isolated
from ..passes.candidates import candidates
from ..types import Artifact, ExportProfile, FormOutcome, TargetClass, TriedForm
from .artifacts import MANIFEST
from .conversion import convert
from .forms import kept_in_float, with_form
from .manifest import manifest
from .prepare import MORE_TIME, Prepared
from .verification import verify

Say = Callable[[str], None]
EFFECTS = "edgekit.workflows.form_effects:effects"


@dataclass(frozen=True)
class Built:
    """A verified artifact of one form, in a folder of its own."""

    profile: ExportProfile
    folder: Path
    artifact: Artifact

    @property
    def name(self) -> str:
        """The form."""
        return self.profile.form


def forms_to_try(base: ExportProfile, target: TargetClass) -> list[ExportProfile]:
    """``base`` and the profile in every candidate form that asks for something else."""
    tried = [base]
    for form in candidates(base.format, base.precision, target):
        other = with_form(base, form.name, form.rewrites, form.keep_float)
        if all(wanted(other) != wanted(one) for one in tried):
            tried.append(other)
    return tried


def wanted(profile: ExportProfile) -> object:
    """What a form asks of the passes and the quantizer."""
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
    prepared: Prepared, forms: Sequence[ExportProfile], folder: Path, say: Say
) -> tuple[list[Built], list[TriedForm]]:
    """Convert and verify every form that changes something else in this network; the built ones, and all others."""
    label = f"{prepared.card.id} {forms[0].name}"
    distinct, left_out = distinct_graphs(prepared, forms)
    built: list[Built] = []
    for number, profile in enumerate(distinct, 1):
        say(f"{label}: building form {number} of {len(distinct)}, {profile.form}")
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
    answer = run_isolated(
        EFFECTS,
        {
            "card": prepared.card.to_plain(),
            "num_classes": prepared.options.num_classes,
            "state": str(prepared.work / "state.pt"),
            "layout": prepared.provenance.layout,
            "forms": {
                profile.form: {"rewrites": profile.rewrites, "keep_float": kept_in_float(profile)} for profile in forms
            },
        },
        prepared.options.timeout_s,
        f"rewriting {prepared.card.id}",
        more_time=MORE_TIME,
    )
    distinct: dict[object, ExportProfile] = {}
    left_out: list[TriedForm] = []
    for profile in forms:
        if profile.form in answer["failed"]:
            left_out.append(tried(profile, "failed to convert", answer["failed"][profile.form]))
            continue
        done = [(one["name"], one["count"]) for one in answer["rewrites"][profile.form] if one["count"]]
        effect = (tuple(done), tuple(answer["kept"][profile.form]))
        if effect in distinct:
            left_out.append(tried(profile, "same graph", f"its rewrites do what those of {distinct[effect].form} do"))
        else:
            distinct[effect] = profile
    return list(distinct.values()), left_out


def build(prepared: Prepared, profile: ExportProfile, folder: Path) -> Built | TriedForm:
    """One form, converted, verified and described in ``folder``; or how it failed."""
    folder.mkdir()
    start = time.monotonic()
    outcome: FormOutcome = "failed to convert"
    try:
        made = convert(prepared, profile, folder)
        seconds = time.monotonic() - start
        outcome = "failed to verify"
        parity, audit = verify(prepared, profile, folder, made)
        artifact = manifest(prepared, profile, folder, made, parity, audit, seconds)
    except EdgekitError as error:
        return tried(profile, outcome, str(error))
    write_atomic(folder / MANIFEST, artifact.model_dump_json(indent=2) + "\n")
    return Built(profile, folder, artifact)


def none_left(label: str, forms: Sequence[TriedForm]) -> EdgekitError:
    """The error when no form came through."""
    lines = "\n".join(f"  {form.name}: {form.outcome}: {form.reason}" for form in forms)
    message = f"none of the {len(forms)} forms of {label} can be used:\n{lines}"
    if any(form.outcome == "failed to verify" for form in forms):
        return VerificationError(message, "export it without --tune: that says what to do about one form")
    return ToolError(message, "export it without --tune to see one form alone")
