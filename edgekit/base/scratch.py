"""Temporary folders that do not outlive their run: one that was killed leaves them to the next run."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .locks import LOCK, claimed, owned
from .processes.posix import ours

SCRATCH = re.compile(rf"(edgekit-(?:[a-z]+-)?[0-9a-f]{{12}})(?:{re.escape(LOCK)})?")


@contextmanager
def scratch_folder(purpose: str = "", parent: Path | None = None) -> Iterator[Path]:
    """A folder for this block in the system's temporary folder, which TMPDIR names; nobody else can read it.

    Args:
        purpose: a word for its name, so that a person who finds it knows what is going on.
        parent: another folder to make it in.

    Raises:
        OSError: it cannot be made.
    """
    word = f"{purpose}-" if purpose else ""
    folder = (parent or Path(tempfile.gettempdir())) / f"edgekit-{word}{secrets.token_hex(6)}"
    with ExitStack() as stack:
        stack.enter_context(owned(folder, 0o600))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir(0o700)
        yield folder


def sweep_scratch() -> None:
    """Remove the temporary folders of this user's runs that were killed."""
    # Sockets are in /tmp when TMPDIR's path is too long. Names there are random, folders private to us, and only what
    # this user owns is removed.
    for where in {Path("/tmp"), *usual_parent()}:  # noqa: S108 # nosec B108
        sweep_in(where)


def usual_parent() -> list[Path]:
    """Where temporary folders are; none when the system has no place for them."""
    try:
        return [Path(tempfile.gettempdir())]
    except OSError:
        return []


def sweep_in(where: Path) -> None:
    """Remove the temporary folders in ``where`` of runs that were killed, as far as we may."""
    with suppress(OSError):
        found = {name[1] for name in map(SCRATCH.fullmatch, os.listdir(where)) if name}
        for folder in sorted(where / name for name in found):
            with claimed(folder) as free:
                if free and owned_by_us(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def owned_by_us(folder: Path) -> bool:
    """Whether it is this user's: root clears nothing away for others, who might lead it astray."""
    try:
        return ours(folder.lstat().st_uid)
    except OSError:
        return False
