"""Evaluations, stored beside an artifact's manifest and found again by the artifact's digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from ...base.files import write_atomic
from ...base.folders import foreign_folder
from ...base.inside import inside
from ...base.untrusted import read_text
from ...errors import UsageError
from ...reports.store import first_problem
from ...types import Artifact, Evaluation, KeptEvaluations, Stored
from ..store import artifact_folders, read_manifest

FILE = "evaluations.json"
MOST = 32
"""Evaluations that are kept of one artifact."""
LARGEST_BYTES = 4 << 20
REMEDY = "remove it and evaluate again"

Key = tuple[str, str]
"""SHA-256 of an artifact's model file, and of the weights that it was made from."""


def digest_of(artifact: Artifact) -> str:
    """Digest of all model files: OpenVINO has its weights in a second one."""
    listed = "\n".join(f"{entry.name} {entry.sha256}" for entry in artifact.model_files)
    return hashlib.sha256(listed.encode()).hexdigest()


def keep(stored: Stored, evaluation: Evaluation) -> Path:
    """Write an evaluation beside the artifact. It replaces an earlier one of the same images, reference and device.

    Raises:
        ToolError: the folder cannot be written.
    """
    digest = digest_of(stored.artifact)
    try:
        before = read_kept(stored)
    except UsageError:
        before = None  # damaged: its content is lost either way, and a new file replaces it
    others = () if before is None or before.artifact != digest else before.evaluations
    others = tuple(one for one in others if place_of(one) != place_of(evaluation))
    kept = KeptEvaluations(artifact=digest, evaluations=(*others, evaluation)[-MOST:])
    path = stored.folder / FILE
    write_atomic(path, kept.model_dump_json(indent=2) + "\n")
    return path


def place_of(evaluation: Evaluation) -> tuple[object, ...]:
    """What two evaluations have in common when the later one replaces the earlier."""
    reference = evaluation.reference
    return evaluation.data, None if reference is None else (reference.kind, reference.sha256), evaluation.device


def read_kept(stored: Stored) -> KeptEvaluations | None:
    """The file beside an artifact; None where there is none.

    Raises:
        UsageError: it cannot be read.
    """
    path = inside(stored.folder, FILE, field="the evaluations")
    if not path.is_file():
        return None
    try:
        return KeptEvaluations.model_validate_json(read_text(path, REMEDY, LARGEST_BYTES, "a file of evaluations"))
    except ValidationError as error:
        raise UsageError(f"{path} holds no evaluations: {first_problem(error)}", REMEDY) from error


def evaluations_of(stored: Stored) -> tuple[Evaluation, ...]:
    """The evaluations of an artifact in its present state, the latest last; evaluations of an earlier file are left
    out.

    Raises:
        UsageError: the file beside it cannot be read.
    """
    kept = read_kept(stored)
    if kept is None or kept.artifact != digest_of(stored.artifact):
        return ()
    return kept.evaluations


def foremost(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The evaluation to show: the latest with a drop against a float network, else the latest against labels."""
    labelled = [one for one in evaluations if one.top1 is not None]
    of_float = [one for one in labelled if one.of_float]
    return of_float[-1] if of_float else labelled[-1] if labelled else None


def known_evaluations(root: Path) -> tuple[Mapping[Key, Evaluation], tuple[UsageError, ...]]:
    """The foremost evaluation of every artifact below ``root`` and of every file of others, and what was unreadable."""
    found: dict[Key, Evaluation] = {}
    damaged = []
    others = foreign_folder()
    folders = artifact_folders(root) if root.is_dir() else []
    if others.is_dir():
        folders += [path.parent for path in sorted(others.glob(f"*/*/*/{FILE}"))]
    for folder in folders:
        if not (folder / FILE).is_file():
            continue
        try:
            stored = read_manifest(folder)
            best = foremost(evaluations_of(stored))
        except UsageError as error:
            damaged.append(error)
            continue
        if best is not None:
            found[stored.artifact.sha256, stored.artifact.weights.sha256] = best
    return found, tuple(damaged)
