"""The journal of a search: a file that others may have written, that a killed process leaves cut, and its lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...base.locks import suppress_no_locks
from ...base.processes.posix import UNTRUSTED, take_lock
from ...errors import SHOWN, UsageError

JOURNAL, LOCK = "journal.log", "journal.lock"
LARGEST_BYTES, LONGEST_LINE = 256 << 20, 1 << 20


class Lock:
    """Of the journal in a folder, as Optuna wants one; the system lets it go when its process dies.

    Optuna's own is a link that a killed process leaves: the next one waits for half a minute, and without end where the
    folder was named by a relative path.
    """

    def __init__(self, folder: Path, name: str = LOCK) -> None:
        self._path = folder / name
        self._opened = -1

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> bool:
        """Wait for it.

        Raises:
            OSError: it cannot be made.
        """
        opened = os.open(self._path, os.O_RDWR | os.O_CREAT | UNTRUSTED, 0o666)
        try:
            with suppress_no_locks():
                take_lock(opened, wait=True)
        except BaseException:
            os.close(opened)
            raise
        self._opened = opened
        return True

    def release(self) -> None:
        """Let it go."""
        os.close(self._opened)
        self._opened = -1


@contextmanager
def damage_named(folder: Path) -> Iterator[None]:
    """A block that reads the journal in a folder: Optuna raises anything over one that it did not write.

    Raises:
        UsageError: the journal is damaged.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:SHOWN]
        raise UsageError(
            f"{folder / JOURNAL} is damaged: {said}", "begin another search with --out, or bring the file back"
        ) from error


def check_journal(folder: Path) -> None:
    """Make sure that the journal in a folder, where there is one, is a file that can be read.

    Raises:
        UsageError: it is a pipe, a device or a folder, or too large.
    """
    journal = folder / JOURNAL
    if os.path.lexists(journal) and not journal.is_file():
        raise UsageError(f"{journal} is no file", "move it away, or begin another search with --out")
    if journal.is_file() and journal.stat().st_size > LARGEST_BYTES:
        raise UsageError(f"{journal} has over {LARGEST_BYTES >> 20} MB", "begin another search with --out")


def drop_cut_line(folder: Path) -> None:
    """Take away what a killed process wrote of its last line: the next line would be added to it.

    Whoever calls this holds the lock.

    Raises:
        OSError: the journal cannot be written.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        return
    with journal.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        begin = stream.seek(max(0, size - LONGEST_LINE))
        whole = stream.read().rfind(b"\n") + 1
        if begin == 0 or whole:
            stream.truncate(begin + whole)
