"""Folders that edgekit made, and may therefore replace: a mark inside says so."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path

from ..errors import ToolError, UsageError

MARK = ".edgekit-folder"
MARK_TEXT = "edgekit made this folder and replaces it as a whole: keep nothing of your own in it.\n"
MANIFEST = "manifest.json"
"""The file that describes an artifact, in its folder."""
MANIFEST_KEYS = {"schema_version", "model", "profile", "format", "files", "audit", "parity"}
"""Of a manifest of ours, which says the same of folders from before there was a mark; other programs have one too."""
LARGEST_MANIFEST_BYTES = 64 << 20
SHOWN = 5


def claim(new: Path, final: Path) -> None:
    """Mark ``new`` as made by edgekit, when it may go into the place of ``final``; see :func:`check_replaceable`."""
    check_replaceable(final)
    (new / MARK).write_text(MARK_TEXT)


def check_replaceable(final: Path) -> None:
    """Make sure that a folder of edgekit does not replace somebody else's.

    Raises:
        UsageError: a file, or a folder that edgekit did not make; the message says what is in it.
    """
    while True:
        try:
            looked_at = final.stat()
            if not stat.S_ISDIR(looked_at.st_mode):
                raise UsageError(f"{final} is a file where a folder is to be", "move it away or name another folder")
            names = sorted(path.name for path in final.iterdir())
        except FileNotFoundError:  # from the start, or another writer has just moved it aside
            return
        if not names or MARK in names or has_manifest(final):
            return
        with suppress(FileNotFoundError):
            if os.path.samestat(looked_at, final.stat()):
                raise not_ours(final, names)
        # Another writer has put a new folder in its place meanwhile, and the names may be of the one that it removes.


def check_same(folder: Path, made: os.stat_result) -> None:
    """Make sure that a temporary folder is still the one that was made: others may be able to rename it.

    Raises:
        ToolError: it is another one, a link, or gone.
    """
    try:
        same = os.path.samestat(made, folder.lstat())
    except OSError:
        same = False
    if not same:
        raise ToolError(
            f"{folder} is not the folder that was made there: somebody has moved it away while it was being filled",
            f"see who else may write in {folder.parent}; what was written may lie elsewhere",
        )


def not_ours(final: Path, names: list[str]) -> UsageError:
    """The refusal to replace a folder that holds ``names``, none of which says that edgekit made it."""
    shown = ", ".join(map(repr, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return UsageError(
        f"{final} is a folder that edgekit did not make, so it is not replaced; it holds {shown}",
        "move it away, or name another folder",
    )


def has_manifest(folder: Path) -> bool:
    """True when ``folder`` holds the manifest of an artifact."""
    path = folder / MANIFEST
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_MANIFEST_BYTES:
            return False
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= MANIFEST_KEYS
