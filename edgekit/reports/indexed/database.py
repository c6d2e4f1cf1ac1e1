"""The file of an index: SQLite in the user's cache. It can be deleted at any time, and edgekit deletes it when it
cannot be read. It lies in the cache and not beside the measurements, so that a file in a stranger's repository is never
taken for an index.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from ...base.folders import index_folder
from ...base.progress import Progress, Warned
from ...errors import UsageError
from .. import csv_file, index, store
from ..compared import comparable
from . import summaries

T = TypeVar("T")
WAIT_S = 20.0
"""For another process that writes; each of its turns is short."""
UNUSABLE = ("BUSY", "LOCKED", "READONLY", "CANTOPEN", "FULL", "IOERR", "PERM", "AUTH", "NOLFS")
"""Errors of SQLite that making the file anew would not mend."""
FILES = """CREATE TABLE files (
    name BLOB PRIMARY KEY, latest INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL, content BLOB, error TEXT, hint TEXT
)"""
CONTENTS = """CREATE TABLE contents (
    content BLOB PRIMARY KEY, digest TEXT NOT NULL, summary TEXT NOT NULL, cells TEXT NOT NULL, crc INTEGER NOT NULL
)"""
"""A file has a content or an error; the latest measurement has the content of its file in the history."""


def with_index(root: Path, progress: Progress, work: Callable[[sqlite3.Connection], T]) -> T:
    """The result of ``work`` on the index of ``root``. A damaged index, or one of another edgekit, is made again. If it
    cannot be opened or written, an index in memory takes its place, ``progress`` gets a warning, and every measurement
    is read.
    """
    try:
        path = index_path(root)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            forget_others(path)
    except (OSError, UsageError) as error:  # no home folder
        return bypassed(root, str(error), progress, work)
    for _ in range(2):
        try:
            with closing(opened(str(path))) as connection:
                return work(connection)
        except (sqlite3.DatabaseError, ValueError) as error:
            name = getattr(error, "sqlite_errorname", "")
            if any(word in name for word in UNUSABLE):
                return bypassed(root, str(error), progress, work)
            try:
                path.unlink(missing_ok=True)
            except OSError as refused:
                return bypassed(root, str(refused), progress, work)
    return bypassed(root, "it is damaged again as soon as it is made", progress, work)


def bypassed(root: Path, why: str, progress: Progress, work: Callable[[sqlite3.Connection], T]) -> T:
    """The result of ``work`` on an index in memory."""
    progress(Warned(f"the index of {root} cannot be used ({why}): every measurement is read, which takes longer"))
    with closing(opened(":memory:")) as connection:
        return work(connection)


def index_path(root: Path) -> Path:
    """The file of the index: by the real path of the folder of reports, and by the code that fills it."""
    name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]
    return index_folder() / f"{name}-{version():08x}.db"


def opened(path: str) -> sqlite3.Connection:
    """A connection to an index, made where there is none.

    Without a journal: a crash may spoil the file, and then it is made anew.
    """
    connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("PRAGMA synchronous = OFF")
        if connection.execute("PRAGMA user_version").fetchone() != (version(),):
            make(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def make(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process has done so meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone() != (version(),):
        connection.execute(FILES)
        connection.execute(CONTENTS)
        connection.execute(f"PRAGMA user_version = {version()}")
    connection.execute("COMMIT")


@cache
def version() -> int:
    """By which code an index was filled: what other code wrote is not read."""
    known = hashlib.sha256(f"{FILES} {CONTENTS}".encode())
    for module in (summaries, csv_file, comparable, store, index):
        known.update(Path(str(module.__file__)).read_bytes())
    return int.from_bytes(known.digest()[:4]) >> 1


def forget_others(path: Path) -> None:
    """Remove the indexes that older code made of the same folder."""
    for other in path.parent.glob(f"{path.name.partition('-')[0]}-*.db"):
        if other != path:
            with suppress(OSError):  # another process may have done so
                other.unlink()
