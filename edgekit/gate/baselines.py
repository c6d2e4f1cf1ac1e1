"""Pinned baselines: ``<reports>/<device>/<key>.baseline/`` with the artifact, its report and ``baseline.json``.

Only :func:`pin` writes there. Everything in the folder is covered by a digest in ``baseline.json``, and that file by
its own seal, so that a change by hand is noticed before it decides anything. With a URL the model files stay elsewhere;
they are fetched once, checked, and kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from .. import __version__
from ..artifacts.store import artifact_folders, file_of, read_manifest
from ..base.fetched.download import download, require_safe
from ..base.files import behind_link, restore, sha256_file, staged_folder, write_atomic
from ..base.folders import baselines_folder
from ..base.inside import inside
from ..base.owned import MANIFEST, check_replaceable
from ..base.untrusted import read_text
from ..errors import ToolError, UsageError
from ..reports.json_text import render
from ..reports.store import first_problem
from ..types import Artifact, Baseline, Conditions, Measurement, PinnedFile, Stored

PIN, REPORT = "baseline.json", "report.json"
SUFFIX = ".baseline"


@dataclass(frozen=True)
class Found:
    """The baseline of one candidate: the artifact, where it lies, and its pin, None when it was named directly."""

    stored: Stored
    pin: Baseline | None


def pin_folder(root: Path, device: str, key: str) -> Path:
    """Where the baseline of a key is pinned.

    Raises:
        UsageError: the names lead out of ``root``.
    """
    return inside(root, device, f"{key}{SUFFIX}", field="the path of a pin (its device, model and profile)")


def check_pin_place(root: Path, device: str, key: str) -> None:
    """Make sure, before a measurement, that a baseline may be pinned in its place.

    Raises:
        UsageError: something that edgekit did not make stands there, or the names lead out of ``root``.
    """
    check_replaceable(behind_link(pin_folder(root, device, key)))


def find_baseline(root: Path, candidate: Artifact, device: str, key: str) -> Found:
    """The baseline of a candidate.

    Args:
        root: an artifact folder (or a file in it), a folder with pins, or a folder of artifacts by model and profile.
        candidate: what is to be compared with it.
        device: id of the device.
        key: stem of the report, see ``Measurement.key``.

    Raises:
        UsageError: there is none, or it is not what was pinned.
        ToolError: its files cannot be fetched.
    """
    root = restore(restore(root.parent) / root.name)
    if root.is_file():
        root = root.parent
    if (root / MANIFEST).is_file() and not (root / PIN).is_file():
        return Found(read_manifest(root), None)
    folder = root if (root / PIN).is_file() else restore(pin_folder(root, device, key))
    if folder.is_dir():
        baseline = read_pin(folder)
        return Found(read_manifest(model_folder(folder, baseline)), baseline)
    for found in artifact_folders(root) if root.is_dir() else []:
        stored = read_manifest(found)
        if (stored.artifact.model, stored.artifact.profile) == (candidate.model, candidate.profile):
            return Found(stored, None)
    raise UsageError(
        f"no baseline of {key} for {device} under {root}",
        f"pin the artifact that is good: edgekit gate --update {candidate.model} --device {device}",
    )


def read_pin(folder: Path) -> Baseline:
    """The pin in ``folder``, after checking that nothing there has changed since.

    What a pin says is untrusted: whoever opens a pull request can write one and seal it. So its names must be plain
    names, its address must be allowed and its sizes bounded; nothing is read or fetched before all of that is checked.

    Raises:
        UsageError: it is missing, damaged, was changed by hand, or names what it may not.
    """
    path = inside(folder, PIN, field="the pin")
    try:
        found = Baseline.model_validate_json(read_text(path, REMEDY, what="a baseline"))
    except ValidationError as error:
        raise UsageError(f"{path} is not a baseline: {first_problem(error)}", REMEDY) from error
    if found.seal != found.digest():
        raise UsageError(f"{path} was changed by hand: its seal does not fit", REMEDY)
    for entry in found.files:
        file = inside(folder, entry.name, field=f"{path}: files[].name")
        if found.url is not None and entry.name not in (MANIFEST, REPORT):
            continue
        if not file.is_file():
            raise UsageError(f"{file} is missing from the baseline", REMEDY)
        if file.stat().st_size != entry.size_bytes or sha256_file(file) != entry.sha256:
            raise UsageError(f"{file} is not the file that was pinned: its digest differs", REMEDY)
    return found


REMEDY = "restore it from version control, or pin it again with edgekit gate --update"


def model_folder(folder: Path, baseline: Baseline) -> Path:
    """The folder that holds the baseline's manifest and model files; they are fetched when they lie elsewhere.

    Raises:
        ToolError: they cannot be fetched, or are not those that were pinned.
    """
    if baseline.url is None:
        return folder
    cache = inside(baselines_folder(), baseline.seal, field="seal")
    for entry in baseline.files:
        file = inside(cache, entry.name, field="files[].name")
        if file.is_file() and sha256_file(file) == entry.sha256:
            continue
        if entry.name in (MANIFEST, REPORT):
            write_atomic(file, inside(folder, entry.name, field="files[].name").read_bytes())
        else:
            fetch(f"{baseline.url}/{entry.name}", entry, file)
    return cache


def fetch(url: str, entry: PinnedFile, path: Path) -> None:
    """Download one file and keep it if it is the pinned one; never read more bytes than the pin says.

    Raises:
        ToolError: it cannot be fetched, or is another.
    """
    data = download(url, entry.size_bytes, "the baseline's", "is the address in baseline.json right?")
    if len(data) != entry.size_bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise ToolError(
            f"{url} is not the file that was pinned ({entry.size_bytes} bytes, sha256 {entry.sha256[:12]}…)",
            "put the pinned file back there, or pin another one with edgekit gate --update",
        )
    write_atomic(path, data)


def pin(root: Path, stored: Stored, measurement: Measurement, conditions: Conditions, url: str | None) -> Path:
    """Make ``stored`` the baseline of its key; an older one is replaced whole.

    Args:
        root: folder of reports.
        stored: the artifact, its files checked.
        measurement: of it on that device.
        conditions: those of the measurement.
        url: folder from which the model files will be fetched; None to keep copies of them here.

    Raises:
        UsageError: an address that may not be fetched.
        ToolError: the folder cannot be written.
    """
    final = pin_folder(root, measurement.device.id, measurement.key)
    if url is not None:
        require_safe(url, "--url")
    model = [entry.name for entry in stored.artifact.model_files]
    slim = stored.artifact.model_copy(update={"files": tuple(e for e in stored.artifact.files if e.name in model)})
    with staged_folder(final) as staging:
        (staging / MANIFEST).write_text(slim.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (staging / REPORT).write_text(render(measurement.to_plain()) + "\n", encoding="utf-8")
        entries = [entry_of(staging / name) for name in (MANIFEST, REPORT)]
        for name in model:
            entries.append(entry_of(file_of(stored.folder, name)))
            if url is None:
                shutil.copyfile(file_of(stored.folder, name), file_of(staging, name))
        baseline = Baseline(
            model=stored.artifact.model,
            profile=stored.artifact.profile,
            conditions=conditions,
            files=tuple(entries),
            url=url.rstrip("/") if url else None,
            p50_ms=measurement.p50_ms,
            pinned_at=measurement.measured_at,
            edgekit_version=__version__,
        ).sealed()
        (staging / PIN).write_text(render(baseline.to_plain()) + "\n", encoding="utf-8")
    return final


def entry_of(path: Path) -> PinnedFile:
    """A file as the pin lists it."""
    return PinnedFile(name=path.name, size_bytes=path.stat().st_size, sha256=sha256_file(path))
