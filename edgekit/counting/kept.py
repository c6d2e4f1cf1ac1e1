"""Counts that are kept: the same file on the same core, counted by the same plugin, counts the same."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from pydantic import ValidationError

from ..base.files import write_atomic
from ..base.folders import counting_folder
from ..base.inside import inside
from ..base.progress import Progress, silent
from ..devices.virtual.build import SITE
from ..types import Counted, Runtime, Stored
from .count import count
from .emulator import Ready
from .model import cores, estimate
from .plugin_file import source_digest

DISTRIBUTIONS: dict[Runtime, str] = {"onnxruntime": "onnxruntime", "litert": "ai-edge-litert", "openvino": "openvino"}
"""Of each runtime, the package that has it."""


def count_once(stored: Stored, ready: Ready, progress: Progress = silent) -> Counted:
    """An artifact's count by one process, one thread: the kept one, else counted now and kept.

    The estimate is always made anew: a model of the core may have changed since.

    Raises:
        ToolError: as :func:`~edgekit.counting.count.count`.
    """
    found = read(place_of(stored, ready))
    if found is None:
        found = count(stored, ready, repeat=False, progress=progress)
        remember(found, stored, ready)
    artifact = stored.artifact
    made = estimate(found.counts, cores()[ready.board.cpu], ready.board.khz[1] // 1000)
    named = {"model": artifact.model, "profile": artifact.profile, "export_command": artifact.command}
    return found.model_copy(update={**named, "estimate": made})


def remember(counted: Counted, stored: Stored, ready: Ready) -> None:
    """Keep a count of one thread, without its repeat."""
    path = place_of(stored, ready)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, counted.model_copy(update={"repeat": None}).model_dump_json() + "\n")


def place_of(stored: Stored, ready: Ready) -> Path:
    """Where the count of an artifact is kept: by its content, the board, the plugin, QEMU and the runtime's version."""
    version = version_there(stored.artifact.runtime, ready)
    parts = (stored.artifact.sha256, ready.board.name, source_digest(), ready.emulator.version, version)
    return inside(counting_folder(), "counts", f"{'-'.join(parts)}.json", field="the name of a count")


def version_there(runtime: Runtime, ready: Ready) -> str:
    """The version of a runtime where it is counted: of this Python's on x86, else of the emulated system's."""
    name = DISTRIBUTIONS[runtime]
    if ready.board.machine == "x86_64":
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return "none"
    found = sorted((ready.tree / SITE).glob(f"{name.replace('-', '_')}-*.dist-info"))
    return found[0].name.removesuffix(".dist-info").rpartition("-")[2] if found else "none"


def read(path: Path) -> Counted | None:
    """The kept count; None where there is none, or one of another version of edgekit."""
    try:
        return Counted.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
