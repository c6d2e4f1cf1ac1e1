"""The road of one artifact: convert, verify, describe, put in place. Every artifact of edgekit is made here."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..base.files import staged_folder, write_atomic
from ..base.progress import Finished, Progress, Step, telling
from ..errors import EdgekitError
from ..types import Artifact, ExportProfile, LayerErrors, Stored
from ..types.artifacts import CLASSES_FILE
from .convert import convert
from .described import describe_file
from .half_compute import allow_half
from .layer_errors import layer_errors
from .manifest import manifest
from .prepare import Prepared
from .requests import Made
from .selective import select_float
from .snippet.write import write_snippet
from .store import artifact_folder, file_of, write_manifest
from .verify import verify

Stage = Literal["converted", "failed to convert", "failed to verify"]


@dataclass(frozen=True)
class Attempt:
    """How the making of one artifact ended.

    Attributes:
        stored: the verified artifact and its folder; None when it failed.
        error: why it failed.
        layers: the errors of its layers, if asked for; an artifact that failed to verify has them too.
        layers_error: why they could not be measured. Verification alone decides whether an artifact is kept.
    """

    stage: Stage
    stored: Stored | None = None
    error: EdgekitError | None = None
    layers: LayerErrors | None = None
    layers_error: EdgekitError | None = None


def make(prepared: Prepared, profile: ExportProfile, folder: Path, progress: Progress) -> Attempt:
    """Make one artifact in ``folder``; the returned attempt holds any failure.

    Args:
        prepared: the network with its weights, images and float reference.
        profile: how the artifact is made.
        folder: exists and is empty; takes the files and the manifest. After a failure it holds whatever was made.
        progress: receives an event as each step begins and ends.
    """
    progress = telling(f"{prepared.card.id} {profile.name}", progress)
    wants_layers = prepared.options.layer_errors and profile.precision == "int8"
    attempt = Attempt("failed to convert")
    start = time.monotonic()
    try:
        progress(Step("converting"))
        selected = None
        if profile.precision == "int8":
            selected = select_float(prepared, profile, folder, progress)
            profile, made = selected.profile, selected.made
        else:
            made = convert(prepared, profile, folder)
        seconds = time.monotonic() - start
        attempt = Attempt("failed to verify")
        if wants_layers:
            progress(Step("measuring its layers"))
            attempt = with_layers(attempt, prepared, profile, folder, made)
        if selected is not None and selected.error is not None:
            raise selected.error
        progress(Step("verifying"))
        half = allow_half(prepared, profile, folder, made)
        known = None if selected is None else selected.parity
        file = folder / made.files[0]
        describe_file(profile.format, file, prepared.card.id, made.inputs, made.outputs, prepared.classes)
        parity, audit = verify(prepared, profile, folder, made, known, half.parity is not None)
        if prepared.classes:
            write_atomic(folder / CLASSES_FILE, "\n".join(prepared.classes) + "\n")
        artifact = manifest(prepared, profile, folder, made, parity, audit, seconds, half)
        if selected is not None:
            notes = tuple(filter(None, (*artifact.notes, selected.doubt)))
            artifact = artifact.model_copy(update={"selective_float": selected.record, "notes": notes})
        write_manifest(folder, artifact)
        write_snippet(folder, artifact)
    except EdgekitError as error:
        return replace(attempt, error=error)
    return replace(attempt, stage="converted", stored=Stored(folder, artifact))


def with_layers(attempt: Attempt, prepared: Prepared, profile: ExportProfile, folder: Path, made: Made) -> Attempt:
    """The attempt with the errors of the layers, or with why there are none."""
    try:
        return replace(attempt, layers=layer_errors(prepared, profile, folder, made))
    except EdgekitError as error:
        return replace(attempt, layers_error=error)


def make_in_place(prepared: Prepared, profile: ExportProfile, progress: Progress) -> Attempt:
    """Make one artifact at ``<out>/<model>/<profile>``; what was there stays there unless the new one is verified."""
    final = artifact_folder(prepared.options.out, prepared.card.id, profile.name)
    label = f"{prepared.card.id} {profile.name}"
    attempt = Attempt("failed to convert")
    try:
        with staged_folder(final) as folder:
            attempt = make(prepared, profile, folder, progress)
            if attempt.error is not None:
                raise attempt.error  # leaves nothing behind
    except EdgekitError as error:
        stage: Stage = "failed to convert" if attempt.stage == "converted" else attempt.stage
        progress(Finished(stage, (label,)))
        return replace(attempt, stage=stage, stored=None, error=error)
    progress(Finished("done", (label,)))
    assert attempt.stored is not None
    return replace(attempt, stored=Stored(final, attempt.stored.artifact))


def put_in_place(made: Stored, artifact: Artifact, final: Path) -> Stored:
    """Copy the files of a verified artifact to ``final``, with ``artifact`` as its manifest.

    Raises:
        ToolError: ``final`` cannot be written (UsageError where it is a file).
    """
    with staged_folder(final) as folder:
        for entry in artifact.files:
            shutil.copyfile(file_of(made.folder, entry.name), file_of(folder, entry.name))
        write_manifest(folder, artifact)
        write_snippet(folder, artifact)
    return Stored(final, artifact)
