"""A network of the zoo, its forms and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..artifacts.children import jobs
from ..artifacts.children.imports import NETWORK
from ..artifacts.make import make, put_in_place
from ..artifacts.prepare import MORE_TIME, Prepared
from ..artifacts.requests import EffectsRequest, FormRewrites
from ..artifacts.store import artifact_folder
from ..base.processes.isolate import run_isolated
from ..base.progress import silent
from ..catalog import profile_for
from ..forms.known import remember
from ..forms.resolve import kept_in_float, resolve
from ..types import Artifact, ExportProfile, Int8VsFloat, Stored, TargetClass, TriedForm, Tuning
from .build import Built, done, first_of_each, forms_to_try, tried
from .known import known_form


@dataclass(frozen=True)
class ZooNetwork:
    """A :class:`~edgekit.tuning.build.TunedNetwork` that was prepared for its exports."""

    prepared: Prepared

    @property
    def name(self) -> str:
        """Of its artifacts' folder."""
        return self.prepared.card.id

    @property
    def folder(self) -> Path:
        """Where work in progress goes."""
        return self.prepared.work

    def forms(self, base: ExportProfile, target: TargetClass) -> list[ExportProfile]:
        """``base``, and the profile in every form that is offered."""
        return forms_to_try(base, target)

    def distinct(self, forms: Sequence[ExportProfile]) -> tuple[list[ExportProfile], list[TriedForm]]:
        """The forms that do different things to this network, and those left out, with the reason."""
        if len(forms) == 1:
            return list(forms), []
        request = EffectsRequest(
            network=self.prepared.source,
            forms={p.form: FormRewrites(rewrites=p.rewrites, keep_float=kept_in_float(p)) for p in forms},
        )
        what, limit_s = f"rewriting {self.name}", self.prepared.options.timeout_s
        found = run_isolated(jobs.effects, request, limit_s, what, more_time=MORE_TIME, imports=NETWORK)

        def effect(profile: ExportProfile) -> object:
            if profile.form in found.failed:
                return tried(profile, "failed to convert", found.failed[profile.form])
            return done(found.rewrites[profile.form]), found.kept[profile.form]

        return first_of_each(forms, effect)

    def build(self, profile: ExportProfile, folder: Path) -> Built | TriedForm:
        """One form, made in the new folder ``folder`` as an export makes it; or how it failed."""
        folder.mkdir()
        attempt = make(self.prepared, profile, folder, silent)
        if attempt.stored is None:
            assert attempt.stage != "converted"
            return tried(profile, attempt.stage, str(attempt.error))
        return Built(profile, attempt.stored)

    def in_float(self, base: ExportProfile) -> ExportProfile:
        """The best float32 form that is known."""
        profile = profile_for(base.format, "fp32")
        profile = profile.model_copy(update={"target": base.target, "bake_preprocess": base.bake_preprocess})
        return resolve(self.prepared.card, profile).profile

    def keep(self, chosen: Built, artifact: Artifact) -> Stored:
        """Put a built form in its place, with ``artifact`` as its manifest."""
        final = artifact_folder(self.prepared.options.out, self.name, chosen.profile.name)
        return put_in_place(chosen.stored, artifact, final)

    def remember(self, chosen: Built, tuning: Tuning, against: Int8VsFloat | None) -> str:
        """Write the form into the user's table of defaults, where the tuning decided something."""
        known = known_form(self.prepared.card, chosen.profile, tuning, against)
        if known is None:
            return ""
        return f"later exports take this form: {remember(known, chosen.artifact.target)}"
