"""A cache of verified artifacts, by what they were made from, so that the same export is not made twice.

An entry is a folder named by its key: the SHA-256 of everything that goes into the artifact. Beside the artifact's own
files it holds ``ingredients.json``, whose digest is the key, and ``seal``, the digest of the manifest; the manifest in
turn holds the digests of the files. An entry whose digests do not fit is removed and made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from .. import __version__
from ..base import plugins
from ..base.files import sha256_file, staged_folder, sweep
from ..base.owned import MANIFEST
from ..base.progress import Progress, Warned
from ..convert.job import TOOLS
from ..errors import EdgekitError
from ..forms.resolve import describe_form, target_of
from ..types import CheckpointReading, ChosenForm, ExportProfile, Frozen, ModelCard, Stored, TargetClass
from ..zoo.conventions import told_beside
from .image_sources import digest_of
from .prepare import ExportOptions
from .snippet.write import write_snippet
from .store import check_files, file_of, read_manifest

INGREDIENTS, SEAL = "ingredients.json", "seal"
CODE = (
    *(
        "agent",
        "artifacts",
        "base",
        "bench",
        "calibration_photos",
        "catalog.py",
        "convert",
        "forms",
        "passes",
        "training",
    ),
    *("types", "verify", "zoo"),
)
"""The parts of edgekit that decide what an artifact is."""


class Ingredients(Frozen):
    """Everything that decides what an artifact is; its JSON's digest is the key of the cache.

    Attributes:
        form: what the profile's form means for this network and target.
        weights: SHA-256 of the checkpoint, or ``random``.
        calibration, parity_data: digests of the images.
        asked: the options as they were given, which the manifest repeats: weights, number of classes, calibration and
            parity data.
        named: what the checkpoint's path and ``config.json`` say of TensorFlow's conventions; empty where nothing.
        input: the preprocessing that the command line names, in words.
        sources: files of cards and profiles that are not the catalog's, by id and name.
        layer_errors: the layers of an int8 artifact are measured.
        selective_float: for int8: whether layers may go to float, the SQNR asked for, and whether none may.
        code: digest of the part of edgekit that makes artifacts.
        plugins: versions of other packages that have a say, by name.
        python: major and minor version.
        tools: versions of the packages that make artifacts of this format.
    """

    card: ModelCard
    profile: ExportProfile
    target: TargetClass
    form: ChosenForm
    weights: str
    calibration: str
    parity_data: str
    asked: tuple[str, int | None, str | None, str | None]
    reading: CheckpointReading
    named: str
    input: tuple[str, ...]
    sources: dict[str, str]
    layer_errors: bool
    selective_float: tuple[bool, float | None, bool] | None
    code: str
    plugins: dict[str, str]
    python: str
    tools: dict[str, str]


def measure(folder: Path) -> tuple[int, int]:
    """Entries and bytes in a cache."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(path.name == SEAL for path in files), sum(path.stat().st_size for path in files)


@cache
def code_digest() -> str:
    """SHA-256 over the part of edgekit that decides what an artifact is."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for part in CODE:
        path = root / part
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            if "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(root)}\0{sha256_file(file)}\n".encode())
    return digest.hexdigest()


@cache
def installed(package: str) -> str:
    """The version of an installed package, or a word that no version equals."""
    if package == "edgekit":
        return __version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def ingredients(
    card: ModelCard, checkpoint: Path | None, profile: ExportProfile, options: ExportOptions
) -> Ingredients:
    """Everything that goes into an artifact.

    Raises:
        UsageError: images that are not there.
    """
    target, int8 = target_of(profile), profile.precision == "int8"
    parity_data = digest_of(options.parity_data or options.calibration, "test" if options.parity_data else "train")
    return Ingredients(
        card=card,
        profile=profile,
        target=target,
        form=describe_form(card, profile, target),
        weights="random" if checkpoint is None else sha256_file(checkpoint),
        calibration=digest_of(options.calibration, "train"),
        parity_data=parity_data,
        asked=(options.weights, options.num_classes, options.calibration, options.parity_data),
        reading=options.reading,
        named="" if checkpoint is None else told_beside(checkpoint),
        input=tuple(options.input.words()),
        sources=dict(options.sources),
        layer_errors=options.layer_errors and int8,
        selective_float=(options.selective_float, options.min_sqnr_db, options.strict_int8) if int8 else None,
        code=code_digest(),
        plugins=plugins.versions("families", [card.family]) | plugins.versions("passes", profile.rewrites),
        python=".".join(map(str, sys.version_info[:2])),
        tools={name: installed(name) for name in ("edgekit", "numpy", *TOOLS[profile.format])},
    )


def take(folder: Path, made_of: Frozen, final: Path, progress: Progress) -> Stored | None:
    """The artifact made of these, copied to ``final``; None when there is none, or none that is whole.

    Raises:
        ToolError: ``final`` cannot be written.
    """
    entry = entry_folder(folder, made_of)
    sweep(entry.parent)
    if not os.path.lexists(entry) and (entry.parent.is_dir() or not os.path.lexists(entry.parent)):
        return None
    try:
        stored = check(entry)
    except EdgekitError as error:
        progress(Warned(f"cache entry {entry} is damaged and is made again: {error}"))
        throw_away(entry)
        return None
    with staged_folder(final) as staging:
        for name in (*(file.name for file in stored.artifact.files), MANIFEST):
            shutil.copyfile(file_of(entry, name), file_of(staging, name))
        write_snippet(staging, stored.artifact)
    return Stored(final, stored.artifact)


def throw_away(entry: Path) -> None:
    """Remove a damaged entry, even if it or its parent is a file instead of a folder, where nothing could be stored."""
    with suppress(OSError):  # if it cannot be removed it cannot be replaced either, and keep() reports that
        if not entry.parent.is_dir():
            entry.parent.unlink()
        elif entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def check(entry: Path) -> Stored:
    """The artifact of an entry, after comparing every byte with its digest.

    Raises:
        EdgekitError: something is missing or differs, or it is not a folder.
    """
    if not entry.is_dir():
        raise EdgekitError("it is not a folder")
    for name, wanted in ((INGREDIENTS, entry.name), (MANIFEST, read_seal(entry))):
        path = entry / name
        if not path.is_file() or sha256_file(path) != wanted:
            raise EdgekitError(f"{name} is not the one that was stored")
    stored = read_manifest(entry)
    check_files(stored)
    return stored


def read_seal(entry: Path) -> str:
    """The digest that the manifest had; empty when it is not there."""
    path = entry / SEAL
    return path.read_text(errors="replace") if path.is_file() else ""


def keep(folder: Path, made_of: Frozen, stored: Stored, progress: Progress) -> None:
    """Copy a verified artifact into the cache; a cache that cannot be written causes only a warning."""
    entry = entry_folder(folder, made_of)
    try:
        with staged_folder(entry) as staging:
            for name in (*(file.name for file in stored.artifact.files), MANIFEST):
                shutil.copyfile(file_of(stored.folder, name), file_of(staging, name))
            (staging / INGREDIENTS).write_bytes(canonical(made_of))
            (staging / SEAL).write_text(sha256_file(staging / MANIFEST))
    except (EdgekitError, OSError) as error:
        progress(Warned(f"not cached: {error}"))


def entry_folder(folder: Path, made_of: Frozen) -> Path:
    """Where the artifact made of these is kept."""
    key = hashlib.sha256(canonical(made_of)).hexdigest()
    return folder / key[:2] / key


def canonical(made_of: Frozen) -> bytes:
    """The one way to write a value as JSON."""
    return json.dumps(made_of.to_plain(), sort_keys=True, indent=1).encode()
