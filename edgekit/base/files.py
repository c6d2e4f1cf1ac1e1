"""Durable files: written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shlex
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from ..errors import ToolError, UsageError
from .exchange import exchange
from .locks import STALE_S, claimed, create_locked, free, locks_work, machine, owned, untouched
from .owned import check_replaceable, claim
from .processes.posix import MOVES_OPEN_FILES, UNTRUSTED

KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
KERNELS_OWN = ("/proc", "/sys", "/sys/kernel/debug", "/sys/kernel/tracing")
"""Where the kernel makes up files as they are read: they look regular and empty, and some keep a reader waiting."""


def check_regular(path: Path) -> Path:
    """``path``, unless there is something at it, or behind its link, that is neither a file nor a folder.

    A pipe keeps its reader waiting, ``/dev/zero`` and ``/proc/kmsg`` never end, and a device that is replaced by a file
    is lost.

    Raises:
        UsageError: it is such a thing.
    """
    with suppress(OSError, ValueError):  # opening it will tell why it cannot be looked at
        found = path.stat()
        kind = KINDS.get(stat.S_IFMT(found.st_mode))
        if kind is None and stat.S_ISREG(found.st_mode) and found.st_dev in kernels_own():
            kind = "a file of the kernel"
        if kind is not None:
            leads = f" leads to {kind}" if path.is_symlink() else f" is {kind}"
            raise UsageError(f"{path}{leads} where a file is to be", "name a file")
    return path


@cache
def kernels_own() -> frozenset[int]:
    """The devices of the kernel's own file systems, as far as they are mounted where they usually are."""
    return frozenset(Path(place).stat().st_dev for place in KERNELS_OWN if os.path.ismount(place))


def sha256_file(path: Path) -> str:
    """Hex digest of a file's content.

    Raises:
        UsageError: there is something else than a file.
        OSError: it cannot be read.
    """
    with check_regular(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def writing(path: Path, option: str = "") -> Iterator[None]:
    """Turn the operating system's refusal to write under ``path`` into a :class:`ToolError` with the cause.

    Args:
        path: where something is to be written.
        option: the one that names another place, where the verb has one.

    Raises:
        UsageError: ``path`` leads through a file, or a folder is there: no room on the disk would help.
        ToolError: any other refusal.
    """
    try:
        yield
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder where a file is to be", "name another file, or move it away") from error
    except (FileExistsError, NotADirectoryError) as error:
        file = next((p for p in (path, *path.parents) if p.exists() and not p.is_dir()), None)
        raise UsageError(
            f"cannot write {path}: {error.strerror}" if file is None else f"{file} is a file where a folder is to be",
            "name another folder, or move the file away",
        ) from error
    except OSError as error:
        raise ToolError(f"cannot write {path}: {error.strerror or error}", room_for(error, path, option)) from error


def room_for(error: OSError, path: Path, option: str) -> str:
    """What to do about a refusal to write ``path``."""
    place = path if path.is_dir() else path.parent
    first = "free some space" if error.errno in FULL else f"check the permissions of {place} and its disk"
    return f"{first}, or name another place with {option}" if option else first


def write_atomic(path: Path, content: str | bytes, option: str = "") -> None:
    """Write ``content`` to ``path`` through a temporary file beside it, then rename.

    Args:
        path: the file.
        content: all of it.
        option: the one that names another place, where the verb has one.

    Raises:
        UsageError: a pipe or device is there.
        ToolError: the folder cannot be written or the disk is full; the old file is left as it was.
    """
    check_regular(path)
    data = content.encode() if isinstance(content, str) else content
    with writing(path, option):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_files(path.parent)
        part = path.with_name(f".{path.name}.{machine()}-{secrets.token_hex(4)}")
        try:
            with os.fdopen(create_locked(part), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
                if MOVES_OPEN_FILES:  # while it is locked: unlocked, it looks like a dead process's
                    os.replace(part, path)
            if not MOVES_OPEN_FILES:
                os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


PART = re.compile(r"\..+\.([0-9a-f]{8})-[0-9a-f]{8}", re.DOTALL)
_swept: set[Path] = set()


def sweep_files(folder: Path) -> None:
    """Remove the temporary files in ``folder`` of writers that were killed; once in a process."""
    where = folder.absolute()
    if where in _swept:
        return
    _swept.add(where)
    left_over = []
    with suppress(OSError):  # one may be allowed to write in a folder and not to list it
        left_over = [(left, part) for left in sorted(folder.iterdir()) if (part := PART.fullmatch(left.name))]
    for left, part in left_over:
        with suppress(OSError):  # another's, or swept by another
            opened = os.open(left, os.O_RDWR | UNTRUSTED)
            try:
                known = part[1] == machine() and locks_work(opened)
                if free(opened, left) and (known or untouched(left) > STALE_S):
                    left.unlink()
            finally:
                os.close(opened)


def check_writable(folder: Path, option: str) -> None:
    """Find out before the work whether ``folder`` can be made and written; leave nothing there.

    Args:
        folder: it need not be there.
        option: the one that names another folder.

    Raises:
        UsageError: it is a file.
        ToolError: it cannot.
    """
    try:
        with writing(folder, option):
            make_folders(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass
    finally:
        remove_empty(folder)


def check_place(path: Path, option: str) -> None:
    """Find out before the work whether a file can be written, or replaced, at ``path``; leave nothing there.

    Args:
        path: of the file that is to come.
        option: the one that names another place.

    Raises:
        UsageError: a folder, a pipe or a device is there, or a file in the way to it.
        ToolError: its folder cannot be written.
    """
    if check_regular(path).is_dir():
        raise UsageError(f"{path} is a folder where a file is to be", f"name a file with {option}")
    check_writable(path.absolute().parent, option)


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


STAGING, OLD, GONE = ".staging-", "-old", "-gone"
STAGED = re.compile(rf"({re.escape(STAGING)}(.+)-[0-9a-f]{{12}})({OLD}|{GONE}|\.lock)?", re.DOTALL)
"""A staging folder and what may lie beside it: the staging folder's name, and that of the folder it is to replace."""
TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
"""Why a folder cannot be renamed into a place that another process has filled meanwhile."""


@contextmanager
def staged_folder(final: Path) -> Iterator[Path]:
    """A temporary folder beside ``final`` that replaces it when the block ends well, and vanishes when it does not.

    It is locked as long as it lives. Leftovers of runs that were killed are removed by the next run that works in the
    same parent folder; folders above ``final`` that were made for it go where they stay empty. Where ``final`` is a
    symbolic link, the folder that it leads to is replaced, and the link stays.

    Raises:
        UsageError: ``final`` is a file, or a folder above it, or a link that leads nowhere but to itself; or it is a
            folder that edgekit did not make.
        ToolError: the parent folder cannot be written.
    """
    final = behind_link(final)
    # Named before it is made, so that the block removes it even if a signal comes in between.
    staging = final.with_name(f"{STAGING}{final.name}-{secrets.token_hex(6)}")
    with ExitStack() as stack:
        stack.callback(remove_empty, final.parent)
        with writing(final.parent):
            make_folders(final.parent)
            sweep(final.parent)
            check_replaceable(final)
            # Once more: another process may have found them empty in between.
            final.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(owned(staging, besides=(aside(staging), going(staging))))
            stack.callback(clear, staging, final)
            staging.mkdir()
        yield staging
        with writing(final):
            replace_folder(staging, final)


def behind_link(final: Path) -> Path:
    """``final``, or what it leads to where it is a symbolic link; that need not be there.

    Raises:
        UsageError: it leads to itself.
    """
    if not final.is_symlink():
        return final
    place = Path(os.path.realpath(final))
    if place.is_symlink():
        raise UsageError(f"{final} is a link that leads to itself", "remove it, or name another folder")
    return place


def replace_folder(new: Path, final: Path) -> None:
    """Put ``new`` in the place of ``final``, whose old content is removed: a reader sees one or the other.

    Where the two cannot change places in one step, the old folder steps aside first. Killed just then, the next reader
    (:func:`restore`) or writer (:func:`sweep`) brings it back.

    Raises:
        UsageError: ``final`` is a folder that edgekit did not make.
        OSError: it cannot; the old folder is where it was.
    """
    final, old = behind_link(final), aside(new)
    claim(new, final)
    while True:
        if final.is_dir():
            try:
                if exchange(new, final):
                    shutil.rmtree(new, ignore_errors=True)
                    return
                os.replace(final, old)
            except FileNotFoundError:  # another writer has just moved it aside
                continue
        try:
            os.replace(new, final)
        except OSError as error:
            if error.errno not in TAKEN:
                raise
            discard(new)  # another writer was quicker: its folder is the old one now
            continue
        discard(new)
        return


def aside(staging: Path) -> Path:
    """The path to which the old folder is moved while ``staging`` takes its place."""
    return staging.with_name(staging.name + OLD)


def going(staging: Path) -> Path:
    """The name of the old folder while it is being removed."""
    return staging.with_name(staging.name + GONE)


def discard(staging: Path) -> None:
    """Remove the folder that stepped aside; renamed first, so that nobody brings back what is half removed."""
    with suppress(OSError):
        os.replace(aside(staging), going(staging))
    shutil.rmtree(going(staging), ignore_errors=True)


def clear(staging: Path, final: Path) -> None:
    """Remove a staging folder and what lies beside it; first bring back an old folder that had stepped aside."""
    old = aside(staging)
    if old.is_dir() and not os.path.lexists(final):
        try:
            os.replace(old, final)
        except OSError:
            if not os.path.lexists(final):  # it is the only copy: better two folders than none
                return
    discard(staging)
    shutil.rmtree(staging, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Clear away staging folders in ``parent`` whose owner is gone."""
    for staging, final in {found[1]: found[2] for found in staged_in(parent)}.items():
        folder = parent / staging
        with claimed(folder, besides=(aside(folder), going(folder))) as ours:
            if ours:
                clear(folder, parent / final)


def staged_in(parent: Path) -> list[re.Match[str]]:
    """The staging folders in ``parent``, by name; none when it cannot be read."""
    try:
        names = sorted(os.listdir(parent))
    except OSError:
        return []
    return [found for found in map(STAGED.fullmatch, names) if found]


def restore(final: Path) -> Path:
    """``final``, brought back first when a writer was killed after it had stepped aside.

    Every reader of a folder that :func:`staged_folder` writes asks first. A writer that is alive loses nothing: it
    finds the place taken and moves it aside once more.

    Raises:
        UsageError: see :func:`behind_link`.
        ToolError: it waits under another name and cannot be brought back.
    """
    place = behind_link(final)
    while not os.path.lexists(place):
        waiting = [found[0] for found in staged_in(place.parent) if found[2] == place.name and found[3] == OLD]
        if not waiting:
            break
        last = min((place.with_name(name) for name in waiting), key=untouched)
        try:
            os.replace(last, place)
        except FileNotFoundError:  # its writer has gone on meanwhile
            continue
        except OSError as error:
            if error.errno not in TAKEN:
                raise ToolError(
                    f"{final} stepped aside for one that has not come, and cannot be brought back: {error.strerror}",
                    f"mv {shlex.quote(str(last))} {shlex.quote(str(place))}",
                ) from error
    return final


def restore_all(root: Path) -> None:
    """:func:`restore` every folder directly in ``root`` or one level below it."""
    parents = [root, *(path for path in root.iterdir() if path.is_dir())] if root.is_dir() else []
    for parent in parents:
        for found in staged_in(parent):
            if found[3] == OLD:
                restore(parent / found[2])
