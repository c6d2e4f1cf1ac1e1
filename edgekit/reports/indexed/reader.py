"""Reading a store through its index: only files that are new or changed are opened."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...base.progress import Note, Progress, Warned, silent
from ...base.untrusted import read_text
from ...errors import UsageError
from ..csv_file import measured
from ..index import Found
from ..store import REMEDY, Damaged, parse_file
from .database import with_index
from .stamps import Stamp, is_latest, stamps
from .summaries import read_back, summarised, written

MANY = 200
"""With this many files new to the index, reading takes a moment, and progress is reported."""
VERY_MANY = 5000
"""With this many files in a store, even looking at each takes a moment."""
BATCH = 200
"""Files that are read between two writes to the index: another process waits no longer than that."""
SETTLED_NS = 2_000_000_000
"""A file changed more recently than this may change again within the same time stamp, so it is read again next time."""
Row = tuple[Any, ...]
NEW_FILE = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
NEW_CONTENT = "INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)"
FORGET = "DELETE FROM contents WHERE content NOT IN (SELECT content FROM files WHERE content IS NOT NULL)"
HERE = "\0"
"""Stands for the path in an error that is kept."""


def read_latest(root: Path, progress: Progress = silent) -> tuple[list[Found], list[Damaged]]:
    """The latest measurement of every key, by name; a damaged file does not hide the others."""
    return with_index(root, progress, partial(latest_of, root, progress))


def latest_of(root: Path, progress: Progress, index: sqlite3.Connection) -> tuple[list[Found], list[Damaged]]:
    """The same, from an open index."""
    refresh(index, root, stamps(root, history=False), progress)
    return taken(index, root, "latest = 1", "name")


def read_history(root: Path, progress: Progress = silent) -> tuple[list[Found], list[Damaged]]:
    """Every measurement once, by device, key and time; the files of the latest count where the history lacks them."""
    return with_index(root, progress, partial(history_of, root, progress))


def history_of(root: Path, progress: Progress, index: sqlite3.Connection) -> tuple[list[Found], list[Damaged]]:
    """The same, from an open index."""
    refresh(index, root, stamps(root, history=True), progress)
    found, damaged = taken(index, root, "TRUE", "latest, name")
    return sorted(found, key=lambda f: (f.measurement.device.id, f.measurement.key, f.measurement.moment)), damaged


def read_cells(root: Path, paths: Sequence[Path], progress: Progress = silent) -> dict[Path, dict[str, str]]:
    """The cells of ``report.csv`` of files that :func:`read_latest` gave; without those that are gone since."""
    return with_index(root, progress, partial(cells_of, root, frozenset(paths), progress))


def cells_of(
    root: Path, paths: frozenset[Path], progress: Progress, index: sqlite3.Connection
) -> dict[Path, dict[str, str]]:
    """The same, from an open index."""
    refresh(index, root, stamps(root, history=False), progress)
    rows = index.execute("SELECT name, cells FROM files JOIN contents USING (content) WHERE latest = 1")
    return {path: json.loads(cells) for name, cells in rows if (path := root / os.fsdecode(name)) in paths}


def taken(index: sqlite3.Connection, root: Path, which: str, order: str) -> tuple[list[Found], list[Damaged]]:
    """The summaries, each measurement once, and the errors of some of the files.

    Raises:
        ValueError: the index does not hold what was written to it.
    """
    # ``which`` and ``order`` are words of this module's own callers, never of a file or a user.
    damaged = [
        Damaged(path, UsageError(error.replace(HERE, str(path)), hint.replace(HERE, str(path))))
        for name, error, hint in index.execute(
            f"SELECT name, error, hint FROM files WHERE error IS NOT NULL AND {which} ORDER BY {order}"  # noqa: S608 # nosec B608
        )
        for path in [root / os.fsdecode(name)]
    ]
    selected = "SELECT name, digest, summary, cells, crc FROM files LEFT JOIN contents USING (content)"
    found, seen = [], set()
    for name, seal, summary, cells, crc in index.execute(
        f"{selected} WHERE error IS NULL AND {which} ORDER BY {order}"
    ):
        if seal is None or seal not in seen:
            seen.add(seal)
            found.append(Found(root / os.fsdecode(name), read_back(checked(name, summary, cells, crc))))
    return found, damaged


def checked(name: bytes, summary: str | None, cells: str | None, crc: int | None) -> str:
    """The summary, proven to be what was written.

    Raises:
        ValueError: it is not.
    """
    if summary is None or cells is None or crc != check(summary, cells):
        raise ValueError(f"the index is damaged at {name!r}")
    return summary


def refresh(index: sqlite3.Connection, root: Path, there: dict[str, Stamp], progress: Progress) -> None:
    """Bring the index up to date: read new and changed files, forget files that are gone.

    Args:
        index: an open one.
        root: the store.
        there: its files, with the history or without; of what is not among the latest only these are looked at.
        progress: told when many files are read.
    """
    known = {
        os.fsdecode(name): Stamp(*stamp)
        for name, *stamp in index.execute("SELECT name, size, mtime_ns, ctime_ns FROM files")
    }
    whole = any(not is_latest(name) for name in there)
    gone = [(os.fsencode(name),) for name in known if name not in there and (whole or is_latest(name))]
    changed = sorted(name for name, stamp in there.items() if known.get(name) != stamp)
    if len(there) > VERY_MANY:
        progress(Warned(f"{len(there)} files of measurements, {len(changed)} of them new to the index"))
    elif len(changed) > MANY:
        progress(Warned(f"{len(changed)} measurements are new to the index of {root}: reading them, once"))
    if gone:
        write(index, [("DELETE FROM files WHERE name = ?", gone)])
    for begin in range(0, len(changed), BATCH):
        entries: list[Row] = []
        contents: dict[bytes, Row] = {}
        for name in changed[begin : begin + BATCH]:
            entry, content = looked_at(index, root, name, there[name], contents)
            entries.append(entry)
            if content is not None:
                contents[content[0]] = content
        write(index, [(NEW_FILE, entries), (NEW_CONTENT, list(contents.values()))])
        if len(changed) > MANY:
            progress(Note(f"{begin + len(entries)} of {len(changed)} measurements read"))
    if gone or any(name in known for name in changed):
        write(
            index, [("DELETE FROM contents WHERE content NOT IN (SELECT content FROM files WHERE error IS NULL)", [()])]
        )


def write(index: sqlite3.Connection, statements: Sequence[tuple[str, Sequence[Row]]]) -> None:
    """One short turn as the only writer."""
    index.execute("BEGIN IMMEDIATE")
    for statement, rows in statements:
        index.executemany(statement, rows)
    index.execute("COMMIT")


def looked_at(
    index: sqlite3.Connection, root: Path, name: str, stamp: Stamp, batch: Mapping[bytes, Row]
) -> tuple[Row, Row | None]:
    """A file's row, and that of its content unless it is known: the same content is not parsed twice."""
    path, begun = root / name, time.time_ns()
    lasting = begun - stamp.ctime_ns > SETTLED_NS
    content = new = error = None
    try:
        text = read_text(path, REMEDY, what="a report")
        content = hashlib.blake2b(text.encode(), digest_size=16).digest()
        known = content in batch or index.execute("SELECT 1 FROM contents WHERE content = ?", (content,)).fetchone()
        new = None if known else parsed(path, text, content)
    except UsageError as refused:
        error = refused
        lasting = lasting and not isinstance(error.__cause__, OSError)  # it may be readable the next time
    told = (None, None) if error is None else (kept(str(error), path), kept(error.hint, path))
    stamped = (stamp.size, stamp.mtime_ns if lasting else -1, stamp.ctime_ns)
    return (os.fsencode(name), is_latest(name), *stamped, content, *told), new


def kept(text: str, path: Path) -> str:
    """A text about a file, for whatever path it is asked by, as a database can hold it."""
    return text.replace(str(path), HERE).encode(errors="backslashreplace").decode()


def parsed(path: Path, text: str, content: bytes) -> Row:
    """The row of a content.

    Raises:
        UsageError: it is no measurement.
    """
    m = parse_file(path, text)
    one = summarised(m)
    summary, cells = written(one), json.dumps(measured(m), separators=(",", ":"))
    return content, one.digest, summary, cells, check(summary, cells)


def check(summary: str, cells: str) -> int:
    """By which a damaged row shows."""
    return zlib.crc32(f"{summary}\n{cells}".encode())
