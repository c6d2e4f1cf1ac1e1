"""Every folder of the cache, which holds only data that edgekit can fetch or make again."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import UsageError
from .processes.posix import user_name

NO_HOME = Path("/nonexistent")
"""As Debian writes the home of accounts that have none."""


def cache_root() -> Path:
    """``$EDGEKIT_CACHE``, else ``$XDG_CACHE_HOME/edgekit``, else ``~/.cache/edgekit``.

    Raises:
        UsageError: there is none of them.
    """
    chosen = os.environ.get("EDGEKIT_CACHE")
    if chosen:
        return expanded(chosen).absolute()
    return users_caches() / "edgekit"


def users_caches() -> Path:
    """Where every program keeps its cache: ``$XDG_CACHE_HOME``, else ``~/.cache``.

    Raises:
        UsageError: there is neither.
    """
    chosen = base_directory("XDG_CACHE_HOME")
    if chosen is None and home() == NO_HOME:
        raise UsageError(
            f"there is no place for the cache: HOME is not set, and the system knows no home of {user_name()}",
            "set EDGEKIT_CACHE, or HOME, to a folder that may be written",
        )
    return chosen or home() / ".cache"


def base_directory(variable: str) -> Path | None:
    """The folder that an XDG variable names, None where it names none.

    A relative path is passed over, as the XDG base directory specification asks: it would be another folder for every
    project, and may be one that somebody else has filled.
    """
    chosen = Path(os.environ.get(variable, ""))
    return chosen if chosen.is_absolute() else None


def home() -> Path:
    """The user's home; :data:`NO_HOME` where there is none, as in a container that runs under a bare number."""
    try:
        return Path.home()
    except RuntimeError:
        return NO_HOME


def expanded(text: str) -> Path:
    """A path in which ``~`` stands for a home; left as it is where nobody has that home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def exports_folder() -> Path:
    """Artifacts, by what they were made of."""
    return cache_root() / "exports"


def weights_folder() -> Path:
    """Fetched checkpoints, by content."""
    return cache_root() / "weights"


def foreign_folder() -> Path:
    """Model files that edgekit did not export, with what was found in them, by content."""
    return cache_root() / "foreign"


def baselines_folder() -> Path:
    """Fetched baselines of the gate, by seal."""
    return cache_root() / "baselines"


def boards_folder() -> Path:
    """The system of the emulated boards, and what it was built from."""
    return cache_root() / "boards"


def counting_folder() -> Path:
    """The plugin that counts instructions, compiled, and the file trees of the simulated boards."""
    return cache_root() / "counting"


def phone_programs_folder() -> Path:
    """Fetched programs for phones, by digest."""
    return cache_root() / "benchmark_model"


def environments_folder() -> Path:
    """Python environments with one version of a runtime each, for the gate of an upgrade."""
    return cache_root() / "environments"


def labgrid_folder() -> Path:
    """Locks of labgrid places that runs on this machine hold."""
    return cache_root() / "labgrid"


def quarantine_folder() -> Path:
    """Devices that failed a health check, by name."""
    return cache_root() / "quarantine"


def faults_folder() -> Path:
    """Reports on errors that nobody foresaw."""
    return cache_root() / "faults"


def index_folder() -> Path:
    """Indexes of stored measurements, one for each folder of reports."""
    return cache_root() / "index"


def benchmark_folder() -> Path:
    """Artifacts and rounds of the repository's own benchmark."""
    return cache_root() / "bench"
