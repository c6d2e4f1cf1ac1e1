"""A user's own network, its forms and where the chosen one goes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..artifacts.own.make import make
from ..artifacts.own.network import OwnNetwork
from ..artifacts.store import artifact_folder, write_manifest
from ..base.files import staged_folder, writing
from ..base.progress import silent
from ..catalog import profile_for
from ..errors import EdgekitError, VerificationError
from ..forms.own import ALL_INT8, own_forms
from ..forms.resolve import AS_WRITTEN
from ..types import Artifact, ExportProfile, Int8VsFloat, Stored, TargetClass, TriedForm, Tuning
from .build import Built, done, first_of_each, tried


@dataclass(frozen=True)
class OwnTuned:
    """A :class:`~edgekit.tuning.build.TunedNetwork` that was traced with the rewrites of all its forms."""

    network: OwnNetwork
    built: dict[str, Built] = field(default_factory=dict)
    """By profile, the first form that was built."""

    @property
    def name(self) -> str:
        """Of its artifacts' folder."""
        return self.network.name

    @property
    def folder(self) -> Path:
        """Where work in progress goes."""
        return self.network.work

    def forms(self, base: ExportProfile, target: TargetClass) -> list[ExportProfile]:
        """``base``, and the profile in every form that may be another file."""
        return list(own_forms(base, target).values())

    def distinct(self, forms: Sequence[ExportProfile]) -> tuple[list[ExportProfile], list[TriedForm]]:
        """The forms that do different things to this network, and those left out, with the reason.

        A form in which tracing failed does nothing, as that without rewrites.
        """
        return first_of_each(
            forms, lambda form: (done(self.network.program(form.rewrites).rewrites), form.form == ALL_INT8)
        )

    def build(self, profile: ExportProfile, folder: Path) -> Built | TriedForm:
        """One form, made in the new folder ``folder`` as an export makes it; or how it failed."""
        first = self.built.get(profile.name)
        if profile.form == ALL_INT8 and first is not None and not first.artifact.float_layers:
            return tried(profile, "same graph", f"{first.name} leaves nothing in float")
        options = replace(self.network.options, out=folder)
        try:
            stored = make(replace(self.network, options=options), profile, silent)
        except VerificationError as error:
            return tried(profile, "failed to verify", str(error))
        except EdgekitError as error:
            return tried(profile, "failed to convert", str(error))
        built = Built(profile, stored)
        self.built.setdefault(profile.name, built)
        return built

    @staticmethod
    def in_float(base: ExportProfile) -> ExportProfile:
        """The float32 profile of the same format and target, in its own form."""
        return profile_for(base.format, "fp32").model_copy(update={"target": base.target, "form": AS_WRITTEN})

    def keep(self, chosen: Built, artifact: Artifact) -> Stored:
        """Put a built form in its place, with ``artifact`` as its manifest."""
        final = artifact_folder(self.network.options.out, self.name, chosen.profile.name)
        with staged_folder(final) as folder, writing(folder):
            shutil.copytree(chosen.folder, folder, dirs_exist_ok=True)
            write_manifest(folder, artifact)
        return Stored(final, artifact)

    def remember(self, chosen: Built, tuning: Tuning, against: Int8VsFloat | None) -> str:  # noqa: ARG002
        """No table knows networks of one's own: how an export takes the form."""
        return "" if chosen.name == AS_WRITTEN else f"edgekit export takes this form with --form {chosen.name}"
