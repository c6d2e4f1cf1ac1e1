"""Exported artifacts on disk: find those that a name means, and make sure that they are what their manifests say."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ..base.files import restore, restore_all, sha256_file, write_atomic
from ..base.inside import inside
from ..base.owned import LARGEST_MANIFEST_BYTES, MANIFEST
from ..base.untrusted import read_json, read_text
from ..catalog import find_card
from ..errors import UsageError
from ..reports.store import first_problem
from ..types import Artifact, ModelCard, Stored, commands

DEFAULT_SET = "edgekit export mobilenet_v3 --format tflite --int8"


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
        artifact = Artifact.model_validate_json(read_text(path, again(path), LARGEST_MANIFEST_BYTES, "a manifest"))
    except ValidationError as error:
        raise UsageError(f"{path} is not a manifest: {first_problem(error)}", again(path)) from error
    for entry in artifact.files:
        file_of(folder, entry.name)
    return Stored(folder, artifact)


def write_manifest(folder: Path, artifact: Artifact) -> None:
    """Write ``manifest.json``."""
    write_atomic(folder / MANIFEST, artifact.model_dump_json(indent=2) + "\n")


def again(path: Path) -> str:
    """How to make the artifact of a manifest that cannot be used once more: by its command, where that can be read."""
    try:
        command = read_json(path, "", LARGEST_MANIFEST_BYTES)["command"]
    except (UsageError, KeyError, TypeError):
        command = None
    whole = command if isinstance(command, str) else ""
    return commands.again(whole, f"export the artifact again, for example {DEFAULT_SET}")


def check_files(stored: Stored) -> None:
    """Make sure that every file is there with the size and digest of the manifest.

    Raises:
        UsageError: a file is missing or differs: it was damaged or replaced since.
    """
    hint = stored.artifact.again
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


def artifact_folders(root: Path) -> list[Path]:
    """Folders with a manifest: ``root`` itself, or those at most two levels below it, by name."""
    if (restore(root) / MANIFEST).is_file():
        return [root]
    restore_all(root)
    found = [path.parent for pattern in (f"*/{MANIFEST}", f"*/*/{MANIFEST}") for path in root.glob(pattern)]
    return sorted(folder for folder in found if not any(part.startswith(".") for part in folder.parts[-2:]))


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
            f"{artifact.model} is not a card of the catalog, and its artifact brings none", artifact.again
        ) from error
