"""The artifacts that a command line means: by folder, file or model, and files that edgekit did not export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..base.absent import is_absent_file, no_file
from ..base.fetched.hubs import hub_id
from ..base.files import restore
from ..base.inside import inside
from ..base.owned import MANIFEST
from ..catalog import find_card
from ..errors import UsageError, shown
from ..types import RUNTIME_OF, Runtime, Stored
from ..types.base import is_name
from ..verify.sets_of_inputs import Shapes
from .foreign import FORMAT_OF, adopt, is_model_file
from .store import DEFAULT_SET, artifact_folders, read_manifest

ExportMissing = Callable[[str], list[Path]]
"""Exports a model id and returns the artifact folders."""


def find_artifacts(
    names: Sequence[str],
    root: Path,
    runtime: Runtime | None = None,
    export_missing: ExportMissing | None = None,
    shapes: Shapes | None = None,
) -> list[Stored]:
    """The artifacts that ``names`` mean, each once, in order; without names all under ``root``.

    Args:
        names: artifact folders, model files in them, folders of such folders, model ids and aliases, or model files
            that edgekit did not export.
        root: holds ``<model>/<profile>/manifest.json``.
        runtime: keep only the artifacts that it runs.
        export_missing: called with a model id that has no artifact yet.
        shapes: of inputs that a foreign file leaves open.

    Raises:
        UsageError: a name means nothing, nothing is there, or nothing that ``runtime`` runs; or a shape fits no input.
    """
    if names:
        folders = [folder for name in names for folder in folders_of(name, root, export_missing, shapes)]
    else:
        folders = artifact_folders(root)
        if not folders:
            raise UsageError(f"no artifacts under {root}", f"make the default set: {DEFAULT_SET}")
    found = [read_manifest(folder) for folder in dict.fromkeys(folders)]
    check_shapes(shapes or {}, found)
    kept = [stored for stored in found if runtime in (None, stored.artifact.runtime)]
    if not kept:
        there = ", ".join(sorted({f"{s.artifact.model} {s.artifact.format} ({s.artifact.runtime})" for s in found}))
        wanted = next(format_ for format_, name in RUNTIME_OF.items() if name == runtime)
        raise UsageError(
            f"none of the artifacts runs on {runtime}: {there}",
            f"name an artifact of format {wanted}, or export one with --format {wanted}",
        )
    return kept


def find_one(name: str, root: Path, shapes: Shapes | None = None) -> Stored:
    """The one artifact that a name means; see :func:`find_artifacts`. Whether the shapes fit is the caller's to check,
    who may have another file for which some are meant.

    Raises:
        UsageError: the name means nothing or several artifacts.
    """
    found = list(dict.fromkeys(folders_of(name, root, shapes=shapes)))
    if len(found) > 1:
        listed = ", ".join(str(folder) for folder in found)
        raise UsageError(f"{name} means {len(found)} artifacts: {listed}", "name one of them")
    return read_manifest(found[0])


def check_shapes(shapes: Shapes, found: Sequence[Stored]) -> None:
    """Make sure that every shape of the command line is that of an input: one that fits none would do nothing, unsaid.

    Args:
        shapes: by the name of the input; of an empty name, of any.
        found: all that the command looks at.

    Raises:
        UsageError: one is not; the message says which inputs there are.
    """
    inputs = [spec for stored in found for spec in stored.artifact.inputs]
    fixed = {(name, value) for stored in found for name, value in stored.artifact.input_values.items()}
    for name, shape in shapes.items():
        fits = any(name in ("", spec.name) and tuple(shape) == spec.shape for spec in inputs)
        if not fits and (name, *shape) not in fixed:
            there = dict.fromkeys(f"{shown(spec.name)} {'x'.join(map(str, spec.shape))}" for spec in inputs)
            asked = f"{name}={'x'.join(map(str, shape))}".lstrip("=")
            raise UsageError(
                f"--input {asked} fits no input here; there {'is' if len(there) == 1 else 'are'} {', '.join(there)}",
                "leave --input out where a file has its shapes itself; NAME= is the name of one of its inputs",
            )


def folders_of(
    name: str, root: Path, export_missing: ExportMissing | None = None, shapes: Shapes | None = None
) -> list[Path]:
    """The artifact folders that one name means; never empty."""
    path = restore(restore(Path(name).parent) / Path(name).name)
    if is_listed(path):
        return [path.parent]
    if is_model_file(path):
        return [adopt(path, shapes or {}).folder]
    if path.is_dir() and (found := artifact_folders(path)):
        return found
    if path.exists() and (path.is_file() or looks_like_path(name)) and not is_card(path):
        raise UsageError(
            f"{name} is not an artifact: there is no {MANIFEST} {'beside' if path.is_file() else 'in'} it",
            f"give an artifact folder, a model id or a model file ({', '.join(FORMAT_OF)})",
        )
    if is_absent_file(name):
        raise no_file(name)
    if looks_like_path(name) and not is_card(path) and not hub_id(name):
        raise UsageError(f"no such artifact: there is no folder {name}", f"list what is there: ls {root}")
    # The artifacts of a card that was given by its path carry its id.
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


def is_listed(path: Path) -> bool:
    """True for a file of an artifact: the manifest beside it lists it, or is it."""
    if not path.is_file() or not (path.parent / MANIFEST).is_file():
        return False
    return path.name == MANIFEST or any(e.name == path.name for e in read_manifest(path.parent).artifact.files)


def is_card(path: Path) -> bool:
    """True for a model card's file."""
    return path.suffix == ".toml" and path.is_file()


def looks_like_path(name: str) -> bool:
    """True for what cannot be a model id."""
    return "/" in name or "\\" in name or Path(name).suffix in (".onnx", ".tflite", ".xml", ".bin", ".json")
