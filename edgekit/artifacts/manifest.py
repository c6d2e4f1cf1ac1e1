"""``manifest.json``: everything that is known of an artifact, and the command that makes it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..base.files import sha256_file
from ..forms.resolve import AS_WRITTEN, describe_form
from ..types import Artifact, Audit, ExportProfile, FileEntry, Parity
from ..types.artifacts import CHECK_FILE, CLASSES_FILE, LAYERS_FILE
from .half_compute import HalfCompute
from .prepare import Prepared
from .requests import Made
from .verify import how_verified


def manifest(
    prepared: Prepared,
    profile: ExportProfile,
    folder: Path,
    made: Made,
    parity: Parity,
    audit: Audit,
    convert_seconds: float,
    half: HalfCompute,
) -> Artifact:
    """The manifest of the verified files in ``folder``."""
    return Artifact(
        model=prepared.card.id,
        card=prepared.card,
        profile=profile.name,
        base_profile=profile.base,
        overrides=profile.overrides,
        format=profile.format,
        precision=profile.precision,
        io=profile.io,
        target=made.target,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files=tuple(entry(folder / name) for name in (*made.files, CHECK_FILE, *beside(folder))),
        inputs=made.inputs,
        outputs=made.outputs,
        classes=prepared.classes,
        params=prepared.params,
        macs=prepared.macs,
        layers=prepared.layers,
        weights=prepared.provenance,
        calibration=prepared.calibration if profile.precision == "int8" else None,
        quantization=made.quantization,
        float_layers=made.float_layers,
        rewrites=made.rewrites,
        form=describe_form(prepared.card, profile, made.target),
        parity=parity,
        half_parity=half.parity,
        parity_data=prepared.parity_data,
        audit=audit,
        notes=tuple(filter(None, (*made.notes, half.note, *how_verified(profile, made, parity)))),
        tool_versions={"edgekit": __version__, **made.tool_versions},
        command=reproduce(prepared, profile, made.target),
        convert_seconds=round(convert_seconds, 2),
    )


def beside(folder: Path) -> list[str]:
    """Other files of the artifact: measured layers, and the names of the classes."""
    return [name for name in (LAYERS_FILE, CLASSES_FILE) if (folder / name).is_file()]


def entry(path: Path) -> FileEntry:
    """Name, size and digest of a file."""
    return FileEntry(name=path.name, size_bytes=path.stat().st_size, sha256=sha256_file(path))


def reproduce(prepared: Prepared, profile: ExportProfile, target: str) -> str:
    """The command line that makes the same artifact, with the defaults spelled out."""
    options = prepared.options
    words = ["edgekit", "export", options.sources.get(prepared.card.id, prepared.card.id)]
    words += profile_words(profile, options.sources)
    words += ["--target", target, "--weights", options.weights]
    if options.num_classes is not None:
        words += ["--num-classes", str(options.num_classes)]
    if options.reading.ema:
        words.append("--ema")
    if options.reading.tf_padding is not None:
        words.append("--tf-padding" if options.reading.tf_padding else "--no-tf-padding")
    if options.calibration is not None:
        words += ["--calibration", options.calibration]
    if options.parity_data is not None:
        words += ["--parity-data", options.parity_data]
    words += options.input.words()
    if options.layer_errors:
        words.append("--layer-errors")
    if options.selective_float:
        words += ["--selective-float"] if options.min_sqnr_db is None else ["--min-sqnr", f"{options.min_sqnr_db:g}"]
    if options.strict_int8:
        words.append("--strict-int8")
    return shlex.join(words)


def profile_words(profile: ExportProfile, sources: Mapping[str, str]) -> list[str]:
    """The options that choose ``profile``: its base and what the command line changed."""
    words = ["--profile", sources.get(profile.base, profile.base), *profile.overrides.words]
    if profile.form != AS_WRITTEN:
        words += ["--form", profile.form]
    return words
