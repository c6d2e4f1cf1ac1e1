"""Artifacts of every form of a network for a target class, and the library's own; kept by what they are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.counting.plain_half import cast_weights
from benchmarks.exports import PACKAGE, digest
from benchmarks.plain import tool_versions
from benchmarks.plain_exports import plain_export
from edgekit.artifacts.foreign import adopt
from edgekit.artifacts.make import Attempt, make
from edgekit.artifacts.prepare import Prepared
from edgekit.artifacts.store import read_manifest
from edgekit.base.files import staged_folder, write_atomic
from edgekit.base.progress import silent
from edgekit.base.target import saturates
from edgekit.catalog import profile_for
from edgekit.convert.onnx.signed import wants_signed
from edgekit.errors import ToolError, UsageError, VerificationError
from edgekit.forms.resolve import DEFAULT
from edgekit.tuning.build import forms_to_try
from edgekit.tuning.zoo import ZooNetwork
from edgekit.types import ExportProfile, Format, ModelCard, Precision, Stored, TargetClass, TriedForm

DECIDING = ("convert", "passes", "zoo", "calibration_photos", "artifacts/make.py", "artifacts/selective.py")
"""Parts of the package that decide what a conversion gives."""
REFUSED = "refused.json"
REFUSALS = (UsageError, VerificationError)
"""What says that a network has no such form: it is not allowed, or its artifact is not what it must be. Any other error
is a fault, of edgekit or of a tool, and ends the run."""


@dataclass(frozen=True)
class MadeForm:
    """A form, and its artifact or why there is none."""

    name: str
    stored: Stored | None
    reason: str = ""


def plain_artifact(card: ModelCard, format_: Format, precision: Precision, cache: Path) -> Stored:
    """The library's own export, as it documents it: one for every class of ARM, none of which saturates.

    Raises:
        UsageError: float16 for another format than TFLite.
        ToolError: it failed.
    """
    if precision == "fp16" and format_ != "tflite":
        raise UsageError(f"float16 is counted of tflite, not of {format_}", "name it: --format tflite")
    made = plain_export(card, format_, "fp32" if precision == "fp16" else precision, cache, target="armv8.0")
    if made.model_file is None:
        raise ToolError(f"the plain export of {card.id} to {format_} {precision} failed: {made.error}")
    return adopt(cast_weights(made.model_file) if precision == "fp16" else made.model_file, {})


def base_profile(format_: Format, precision: Precision, target: TargetClass) -> ExportProfile:
    """The built-in profile as it is written, for a target class."""
    return profile_for(format_, precision).model_copy(update={"target": target, "form": DEFAULT})


def all_forms(
    prepared: Prepared, format_: Format, precision: Precision, target: TargetClass
) -> tuple[list[ExportProfile], list[TriedForm]]:
    """Every form that changes something else in this network, and those that do not, or fail, with the reason."""
    return ZooNetwork(prepared).distinct(forms_to_try(base_profile(format_, precision, target), target))


def form_artifact(prepared: Prepared, profile: ExportProfile, target: TargetClass, cache: Path) -> MadeForm:
    """The artifact of one form, from the cache or made now; a form that is refused is kept with the reason.

    Raises:
        EdgekitError: it failed otherwise than by one of :data:`REFUSALS`.
    """
    folder = cache / "forms" / prepared.card.id / f"{profile.name}-{profile.form}-{form_key(prepared, profile, target)}"
    if not folder.is_dir():
        with staged_folder(folder) as staging:
            attempt = make(prepared, profile, staging, silent)
            if attempt.stored is None:
                write_atomic(staging / REFUSED, json.dumps(refusal(attempt)) + "\n")
    if (folder / REFUSED).is_file():
        return MadeForm(profile.form, None, str(json.loads((folder / REFUSED).read_text())))
    return MadeForm(profile.form, read_manifest(folder))


def refusal(attempt: Attempt) -> str:
    """Why a form was refused, in words.

    Raises:
        EdgekitError: the attempt's own, where it is no refusal.
    """
    if isinstance(attempt.error, REFUSALS):
        return f"{attempt.stage}: {attempt.error}"
    raise attempt.error or ToolError(f"the form {attempt.stage}, and no error says why")


def form_key(prepared: Prepared, profile: ExportProfile, target: TargetClass) -> str:
    """Digest of what decides the artifact: two targets whose kernels take the same integers share it."""
    sources = [path for part in DECIDING for path in files_below(PACKAGE / part)]
    integers = [saturates(target), wants_signed(target)] if profile.format == "onnx" else []
    words: Sequence[str] = (
        prepared.card.model_dump_json(),
        json.dumps([profile.format, profile.precision, profile.io, profile.rewrites]),
        "" if profile.quantization is None else profile.quantization.model_dump_json(),
        json.dumps([*integers, tool_versions(profile.format)]),
    )
    return digest(sources, words)


def files_below(path: Path) -> list[Path]:
    """The sources and data of a folder in a fixed order, or the file itself."""
    found = path.rglob("*") if path.is_dir() else [path]
    return sorted(one for one in found if one.is_file() and "__pycache__" not in one.parts)
