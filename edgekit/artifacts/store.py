"""Exported artifacts on disk: find those that a name means, and make sure that they are what their manifests say."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from ..base.files import check_regular, restore, restore_all, sha256_file
from ..base.inside import inside
from ..base.owned import MANIFEST
from ..catalog import find_card
from ..errors import UsageError
from ..reports.store import first_problem
from ..types import RUNTIME_OF, Artifact, ModelCard, Runtime, Stored
from ..types.base import is_name

DEFAULT_SET = "edgekit export mobilenet_v3 --format tflite --int8"

ExportMissing = Callable[[str], list[Path]]
"""Exports a model id and returns the artifact folders."""


def artifact_folder(root: Path, model: str, profile: str) -> Path:
    """``root/<model>/<profile>``: where an artifact is.

    Raises:
        UsageError: the names lead out of ``root``.
    """
    return inside(root, model, profile, field="the model's id and the profile's name")


def file_of(folder: Path, name: str) -> Path:
    """A file that a manifest in ``folder`` lists.

    Raises:
        UsageError: the name leads out of ``folder``.
    """
    return inside(folder, name, field=f"{folder / MANIFEST}: files[].name")


def read_manifest(folder: Path) -> Stored:
    """The artifact in ``folder``.

    Raises:
        UsageError: its manifest cannot be read, is not one of this version, or lists what lies elsewhere.
    """
    path = inside(folder, MANIFEST, field="the manifest")
    try:
        artifact = Artifact.model_validate_json(check_regular(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a manifest: {error}", again(path)) from error
    except ValidationError as error:
        raise UsageError(f"{path} is not a manifest: {first_problem(error)}", again(path)) from error
    for entry in artifact.files:
        file_of(folder, entry.name)
    return Stored(folder, artifact)


def again(path: Path) -> str:
    """How to make the artifact of a manifest that cannot be used once more: by its command, where that can be read."""
    try:
        manifest = json.loads(path.read_bytes())
        command = manifest["command"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        command = None
    known = isinstance(command, str) and command
    return f"export it again: {command}" if known else f"export the artifact again, for example {DEFAULT_SET}"


def check_files(stored: Stored) -> None:
    """Make sure that every file is there with the size and digest of the manifest.

    Raises:
        UsageError: a file is missing or differs: it was damaged or replaced since.
    """
    hint = f"export it again: {stored.artifact.command}"
    for entry in stored.artifact.files:
        path = file_of(stored.folder, entry.name)
        if not path.is_file():
            raise UsageError(f"{path} is missing, though the manifest beside it lists it", hint)
        if path.stat().st_size != entry.size_bytes or (seen := sha256_file(path)) != entry.sha256:
            found = f"{path.stat().st_size} bytes" if path.stat().st_size != entry.size_bytes else f"sha256 {seen[:12]}"
            listed = f"{entry.size_bytes} bytes, sha256 {entry.sha256[:12]}"
            raise UsageError(
                f"{path} is not the file that was verified: it has {found}, its manifest says {listed}", hint
            )


def find_artifacts(
    names: Sequence[str],
    root: Path,
    runtime: Runtime | None = None,
    export_missing: ExportMissing | None = None,
) -> list[Stored]:
    """The artifacts that ``names`` mean, each once, in order; without names all under ``root``.

    Args:
        names: artifact folders, model files in them, folders of such folders, or model ids and aliases.
        root: holds ``<model>/<profile>/manifest.json``.
        runtime: keep only the artifacts that it runs.
        export_missing: called with a model id that has no artifact yet.

    Raises:
        UsageError: a name means nothing, nothing is there, or nothing that ``runtime`` runs.
    """
    if names:
        folders = [folder for name in names for folder in folders_of(name, root, export_missing)]
    else:
        folders = artifact_folders(root)
        if not folders:
            raise UsageError(f"no artifacts under {root}", f"make the default set: {DEFAULT_SET}")
    found = [read_manifest(folder) for folder in dict.fromkeys(folders)]
    kept = [stored for stored in found if runtime in (None, stored.artifact.runtime)]
    if not kept:
        there = ", ".join(sorted({f"{s.artifact.model} {s.artifact.format} ({s.artifact.runtime})" for s in found}))
        wanted = next(format_ for format_, name in RUNTIME_OF.items() if name == runtime)
        raise UsageError(
            f"none of the artifacts runs on {runtime}: {there}",
            f"edgekit export {found[0].artifact.model} --format {wanted}, or leave --runtime out",
        )
    return kept


def artifact_folders(root: Path) -> list[Path]:
    """Folders with a manifest: ``root`` itself, or those at most two levels below it, by name."""
    if (restore(root) / MANIFEST).is_file():
        return [root]
    restore_all(root)
    found = [path.parent for pattern in (f"*/{MANIFEST}", f"*/*/{MANIFEST}") for path in root.glob(pattern)]
    return sorted(folder for folder in found if not any(part.startswith(".") for part in folder.parts[-2:]))


def folders_of(name: str, root: Path, export_missing: ExportMissing | None) -> list[Path]:
    """The artifact folders that one name means; never empty."""
    path = restore(restore(Path(name).parent) / Path(name).name)
    if path.is_file() and (path.parent / MANIFEST).is_file():
        return [path.parent]
    if path.is_dir() and (found := artifact_folders(path)):
        return found
    if path.exists() and (path.is_file() or looks_like_path(name)) and not is_card(path):
        raise UsageError(
            f"{name} is not an artifact: there is no {MANIFEST} {'beside' if path.is_file() else 'in'} it",
            "edgekit measures what edgekit export made; give an artifact folder or a model id",
        )
    if looks_like_path(name) and not is_card(path):
        raise UsageError(f"no such artifact: {name}", f"list what is there: ls {root}")
    # A card that was given by its path is known later by the id of what was made from it.
    if is_name(name) and (found := artifact_folders(inside(root, name, field="the model's id"))):
        return found
    model = find_card(name).id
    found = artifact_folders(inside(root, model, field="the model's id"))
    if found:
        return found
    if export_missing is None:
        raise UsageError(f"no artifacts of {model} under {root}", f"edgekit export {name} --format all")
    exported = export_missing(name)
    if not exported:
        raise UsageError(f"the export of {model} left no artifact", f"see what failed: edgekit export {name} --all")
    return exported


def is_card(path: Path) -> bool:
    """True for a model card's file."""
    return path.suffix == ".toml" and path.is_file()


def card_of(artifact: Artifact) -> ModelCard:
    """The card that an artifact was made from: its own, or the catalog's where it has none.

    Raises:
        UsageError: neither: it was made from a card that is not here, by an edgekit that kept none.
    """
    if artifact.card is not None:
        return artifact.card
    try:
        return find_card(artifact.model)
    except UsageError as error:
        raise UsageError(
            f"{artifact.model} is no card of the catalog, and its artifact brings none", f"again: {artifact.command}"
        ) from error


def looks_like_path(name: str) -> bool:
    """True for what cannot be a model id."""
    return "/" in name or "\\" in name or Path(name).suffix in (".onnx", ".tflite", ".xml", ".bin", ".json")
