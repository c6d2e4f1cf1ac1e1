"""Counts that are kept: the same file on the same core, counted by the same plugin, counts the same."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ..base.files import write_atomic
from ..base.folders import counting_folder
from ..base.inside import inside
from ..base.progress import Progress, silent
from ..types import Counted, Stored
from .count import count
from .emulator import Ready
from .model import cores, estimate
from .plugin_file import source_digest


def count_once(stored: Stored, ready: Ready, progress: Progress = silent) -> Counted:
    """An artifact's count by one process, one thread: the kept one, else counted now and kept.

    The estimate is always made anew: a model of the core may have changed since.

    Raises:
        ToolError: as :func:`~edgekit.counting.count.count`.
    """
    path = place_of(stored, ready)
    found = read(path)
    if found is None:
        found = count(stored, ready, repeat=False, progress=progress)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, found.model_dump_json() + "\n")
    artifact = stored.artifact
    made = estimate(found.counts, cores()[ready.board.cpu], ready.board.khz[1] // 1000)
    named = {"model": artifact.model, "profile": artifact.profile, "export_command": artifact.command}
    return found.model_copy(update={**named, "estimate": made})


def place_of(stored: Stored, ready: Ready) -> Path:
    """Where the count of an artifact is kept: by its content, the core, the plugin, QEMU and the runtimes' system."""
    parts = (stored.artifact.sha256, ready.tree.name, source_digest(), ready.emulator.version)
    return inside(counting_folder(), "counts", f"{'-'.join(parts)}.json", field="the name of a count")


def read(path: Path) -> Counted | None:
    """The kept count; None where there is none, or one of another version of edgekit."""
    try:
        return Counted.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
