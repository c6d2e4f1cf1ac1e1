"""Durable files: written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ToolError


def sha256_file(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write under ``path`` into a :class:`ToolError` with the cause."""
    try:
        yield
    except OSError as error:
        raise ToolError(
            f"cannot write {path}: {error.strerror or error}",
            "free some space or name another folder with --out",
        ) from error


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write ``content`` to ``path`` through a temporary file beside it, then rename.

    Raises:
        ToolError: the folder cannot be written or the disk is full; the old file is left as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def check_writable(folder: Path) -> None:
    """Find out before the work, not after it, that ``folder`` cannot be made or written.

    Raises:
        ToolError: it cannot.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


STAGING = ".staging-"


@contextmanager
def staged_folder(final: Path) -> Iterator[Path]:
    """A temporary folder beside ``final`` that replaces it when the block ends well, and vanishes when it does not.

    Leftovers of a run that was killed are removed on the next run by the same name.

    Raises:
        ToolError: the parent folder cannot be written, or ``final`` is a file.
    """
    with writing(final.parent):
        final.parent.mkdir(parents=True, exist_ok=True)
        sweep(final)
        if final.exists() and not final.is_dir():
            raise ToolError(f"{final} is a file where a folder is to be", "move it away or name another folder")
    # Named before it is made: a signal that comes in between must find it in the block that removes it.
    staging = final.with_name(f"{STAGING}{final.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with writing(final.parent):
            staging.mkdir(mode=0o700)
        yield staging
        with writing(final):
            os.chmod(staging, 0o755)
            replace_folder(staging, final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def replace_folder(new: Path, final: Path) -> None:
    """Put ``new`` in the place of ``final``; an old ``final`` steps aside first: a reader sees one or the other."""
    old = new.with_name(new.name + "-old")
    if final.exists():
        os.replace(final, old)
    os.replace(new, final)
    shutil.rmtree(old, ignore_errors=True)


def sweep(final: Path) -> None:
    """Remove staging folders for ``final`` whose process is gone; bring back an old folder that had stepped aside."""
    # Exactly this name: the folders of a longer one ("x-baked" for "x") belong to another artifact.
    pattern = re.compile(rf"{re.escape(STAGING + final.name)}-(\d+)-[^-]+(-old)?")
    for left in sorted(final.parent.iterdir(), reverse=True):
        owner = pattern.fullmatch(left.name)
        if owner is None or alive(int(owner[1])):
            continue
        if left.name.endswith("-old") and not final.exists():
            os.replace(left, final)
        else:
            shutil.rmtree(left, ignore_errors=True)


def alive(pid: int) -> bool:
    """True when a process of that id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
