"""The verb ``index``: what the store holds, and which of it should be measured again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from ...artifacts.store import artifact_folders, read_manifest
from ...base.progress import Progress, silent
from ...errors import UsageError
from ...reports.index import PACKAGES, Entry, Surroundings, index
from ...reports.indexed.reader import read_history, read_latest
from ...reports.store import Damaged


@dataclass(frozen=True)
class Index:
    """The entries, the files that could not be read, and how many measurements the history keeps."""

    entries: list[Entry]
    damaged: list[Damaged]
    kept: int

    @property
    def fine(self) -> bool:
        """True when nothing is stale, said twice or damaged."""
        return not self.damaged and all(entry.fine for entry in self.entries)


def store_index(
    reports: Path,
    artifacts: Path,
    max_age_days: float | None = None,
    now: datetime | None = None,
    progress: Progress = silent,
) -> Index:
    """Read the whole store.

    Args:
        reports: the store.
        artifacts: holds ``<model>/<profile>/manifest.json``; when there is no such folder nothing is said of artifacts.
        max_age_days: older measurements are stale; None for no limit.
        now: the present; the real one when None.
        progress: told when many measurements are read.

    Raises:
        UsageError: the store is no folder, or an artifact's manifest is damaged.
    """
    if not reports.is_dir():
        raise UsageError(f"no folder {reports}", "measure something first: edgekit profile --device local")
    found, damaged = read_latest(reports, progress)
    history, damaged_history = read_history(reports, progress)
    latest = {one.path for one in damaged}
    around = Surroundings(
        artifacts=digests(artifacts) if artifacts.is_dir() else None,
        installed=installed(),
        now=now or datetime.now(UTC),
        max_age_days=max_age_days,
    )
    return Index(
        entries=index(reports, found, around),
        damaged=[*damaged, *(one for one in damaged_history if one.path not in latest)],
        kept=len(history),
    )


def digests(root: Path) -> dict[tuple[str, str], str]:
    """Digest of the model file by model and profile of every artifact under ``root``."""
    stored = [read_manifest(folder).artifact for folder in artifact_folders(root)]
    return {(artifact.model, artifact.profile): artifact.sha256 for artifact in stored}


def installed() -> dict[str, str]:
    """Versions of the runtimes on this machine; nothing is imported."""
    found = {}
    for package in {name for names in PACKAGES.values() for name in names}:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
