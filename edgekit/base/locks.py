"""Locks on files and folders that the file system holds, so that containers and hosts see each other's.

A process id says nothing to another container or host. So a folder that is being worked in has a lock file beside it,
``<folder>.lock``, with ``flock`` held on it until the folder is done; the kernel lets it go when its process dies,
however that happens. Some network file systems take such a lock on each host by itself, or not at all. For these the
file also says who the owner is, and nobody's work is thrown away on the lock's word alone unless it ran on this kernel.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .processes.posix import OWN, UNTRUSTED, take_lock

LOCK = ".lock"
STALE_S = 7 * 24 * 3600.0
"""Work of another kernel, or of an unknown owner, counts as abandoned when it has not changed for this long."""
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF)


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock.

    Attributes:
        host: its name there.
        boot: the running kernel's own id; empty where there is none.
        pids: the namespace that its process id belongs to.
        pid: process id.
        started: in clock ticks after the boot: ids come again, not with the same start.
    """

    host: str
    boot: str
    pids: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_process() -> Owner:
    """This process, as others shall know it."""
    pids = ""
    with suppress(OSError):
        pids = str(Path("/proc/self/ns/pid").readlink())
    return Owner(socket.gethostname(), boot(), pids, os.getpid(), started("self"))


def boot() -> str:
    """The running kernel's id, which containers share and machines do not; empty outside of Linux."""
    return read("/proc/sys/kernel/random/boot_id")


def machine() -> str:
    """Eight digits that stand for the running kernel, for names of files."""
    return hashlib.sha256((boot() or socket.gethostname()).encode()).hexdigest()[:8]


def started(pid: int | str) -> str:
    """When a process started; empty where that cannot be known."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def read(path: str) -> str:
    """A file of the kernel's, or an empty string where it has no such file.

    Raises:
        OSError: it has, and too many files are open: an owner who does not know himself would be taken for a stranger.
    """
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        return ""


def alive(pid: int) -> bool:
    """True when a process of that id exists in this process's namespace."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def lock_of(folder: Path) -> Path:
    """The lock file of a folder."""
    return folder.with_name(folder.name + LOCK)


def create_locked(path: Path, mode: int = 0o666) -> int:
    """Make a file that must not be there, and lock it; its descriptor, open for reading and writing.

    Raises:
        OSError: it is there, or cannot be made.
    """
    while True:
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | OWN, mode)
        try:
            with suppress_no_locks():
                take_lock(opened, wait=True)
            if same(opened, path):
                return opened
        except BaseException:
            os.close(opened)
            raise
        os.close(opened)  # a sweeper found it before it was locked


@contextmanager
def owned(folder: Path, mode: int = 0o666, besides: Sequence[Path] = ()) -> Iterator[None]:
    """A block in which ``folder``, which is made in it, is this process's; afterwards the lock file is gone.

    It stays where the folder could not be removed: by it the next run knows that nobody works there any more.

    Args:
        folder: it need not be there.
        mode: permissions of the lock file.
        besides: what may be left of the folder under other names.

    Raises:
        OSError: the lock file cannot be made.
    """
    lock, opened = lock_of(folder), -1
    try:
        opened = create_locked(lock, mode)
        os.write(opened, json.dumps(asdict(this_process())).encode())
        yield
    finally:
        if opened >= 0:
            os.close(opened)
        if not any(map(os.path.lexists, (folder, *besides))):
            with suppress(OSError):
                lock.unlink()


@contextmanager
def claimed(folder: Path, besides: Sequence[Path] = ()) -> Iterator[bool]:
    """A block in which ``folder`` is ours to clear away, if its owner is gone; False when he may be at work.

    The lock file is held meanwhile, and goes when it was ours and nothing is left.

    Args:
        folder: it need not be there.
        besides: what may be left of it under other names.
    """
    lock, opened = lock_of(folder), -1
    try:
        opened = os.open(lock, os.O_RDWR | UNTRUSTED)
        ours = free(opened, lock) and (gone(opened, untouched(folder, lock)) or unused(opened, folder))
    except FileNotFoundError:
        ours = untouched(folder, *besides) > STALE_S
    except OSError:  # not ours to open
        ours = False
    try:
        yield ours
        if ours and not any(map(os.path.lexists, (folder, *besides))):
            with suppress(OSError):
                lock.unlink()
    finally:
        if opened >= 0:
            os.close(opened)


def free(opened: int, path: Path) -> bool:
    """True when nobody that this kernel knows of holds the lock; it is ours then."""
    try:
        with suppress_no_locks():
            take_lock(opened, wait=False)
    except OSError:
        return False
    return same(opened, path)


def gone(opened: int, untouched_s: float) -> bool:
    """Whether the owner that a free lock file names has ended, as far as this machine can know."""
    owner, me = owner_of(opened), this_process()
    if owner is None or (owner.boot or owner.host) != (me.boot or me.host):
        return untouched_s > STALE_S  # the lock may be another machine's, where this one cannot see it
    if owner.pids == me.pids and os.name == "posix":  # where the file system has no locks, this alone decides
        return not alive(owner.pid) or started(owner.pid) != owner.started
    return locks_work(opened) or untouched_s > STALE_S


def unused(opened: int, folder: Path) -> bool:
    """Whether the owner ended before it could say who it is: its folder is made after that, so nothing is lost."""
    return os.fstat(opened).st_size == 0 and not os.path.lexists(folder)


def owner_of(opened: int) -> Owner | None:
    """The owner that an open lock file names; None when it says nothing that can be read."""
    try:
        os.lseek(opened, 0, os.SEEK_SET)
        said = json.loads(os.read(opened, 4096))
        return Owner(**said) if isinstance(said["pid"], int) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def locks_work(opened: int) -> bool:
    """Whether the file system has locks at all."""
    try:
        take_lock(opened, wait=False)
    except OSError:
        return False
    return True


@contextmanager
def suppress_no_locks() -> Iterator[None]:
    """Go on without a lock on a file system that has none."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise


def same(opened: int, path: Path) -> bool:
    """True when ``path`` still is the regular file that was opened."""
    try:
        there, here = os.lstat(path), os.fstat(opened)
    except OSError:
        return False
    return stat.S_ISREG(here.st_mode) and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def untouched(*paths: Path) -> float:
    """Seconds since the last change of any of these paths; 0 when none is there."""
    times = []
    for path in paths:
        with suppress(OSError):
            times.append(os.lstat(path).st_mtime)
    return time.time() - max(times) if times else 0.0
