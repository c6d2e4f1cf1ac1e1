"""Durable files: written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ToolError, UsageError
from .owned import check_replaceable, claim


def sha256_file(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write under ``path`` into a :class:`ToolError` with the cause.

    Raises:
        UsageError: ``path`` leads through a file: no room on the disk would help.
        ToolError: any other refusal.
    """
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        file = next((p for p in (path, *path.parents) if p.exists() and not p.is_dir()), None)
        raise UsageError(
            f"cannot write {path}: {error.strerror}" if file is None else f"{file} is a file where a folder is to be",
            "name another folder, or move the file away",
        ) from error
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
    """Find out before the work, not after it, that ``folder`` cannot be made or written; nothing is left there.

    Raises:
        UsageError: it is a file.
        ToolError: it cannot.
    """
    try:
        with writing(folder):
            make_folders(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass
    finally:
        remove_empty(folder)


_made: set[Path] = set()
_making = threading.Lock()


def make_folders(folder: Path) -> None:
    """Make ``folder`` and those above it where they are missing, and remember which these were."""
    with _making:
        _made.update(path for path in (folder, *folder.parents) if not path.exists())
        folder.mkdir(parents=True, exist_ok=True)


def remove_empty(folder: Path) -> None:
    """Remove ``folder`` and those above it as far as this process made them and nothing is in them."""
    with _making:
        for path in (folder, *folder.parents):
            if path not in _made:
                return
            try:
                path.rmdir()
            except FileNotFoundError:
                pass  # it could not be made
            except OSError:
                return
            _made.discard(path)


STAGING = ".staging-"


@contextmanager
def staged_folder(final: Path) -> Iterator[Path]:
    """A temporary folder beside ``final`` that replaces it when the block ends well, and vanishes when it does not.

    Leftovers of a run that was killed are removed on the next run by the same name; folders above ``final`` that were
    made for it go where they stay empty.

    Raises:
        UsageError: ``final`` is a file, or a folder above it; or it is a folder that edgekit did not make.
        ToolError: the parent folder cannot be written.
    """
    # Named before it is made: a signal that comes in between must find it in the block that removes it.
    staging = final.with_name(f"{STAGING}{final.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with writing(final.parent):
            make_folders(final.parent)
            sweep(final)
            if final.exists() and not final.is_dir():
                raise UsageError(f"{final} is a file where a folder is to be", "move it away or name another folder")
            check_replaceable(final)
            # Its parents once more: another process may have found them empty in between.
            staging.mkdir(mode=0o700, parents=True)
        yield staging
        with writing(final):
            os.chmod(staging, 0o755)
            replace_folder(staging, final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        remove_empty(final.parent)


def replace_folder(new: Path, final: Path) -> None:
    """Put ``new`` in the place of ``final``; an old ``final`` steps aside first: a reader sees one or the other.

    Raises:
        UsageError: ``final`` is a folder that edgekit did not make.
    """
    claim(new, final)
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
