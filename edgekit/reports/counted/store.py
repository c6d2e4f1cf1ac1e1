"""Counts on disk: ``<root>/<device>/counted/<key>.json``, made to be committed and compared.

A count can be made again at any time, so only the latest is kept; version control has the older ones.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, ValidationError

from ...base.files import write_atomic
from ...base.inside import inside
from ...base.untrusted import read_text
from ...errors import UsageError
from ...types import Counted
from ..json_text import render
from ..store import digest, first_problem

FOLDER = "counted"
REMEDY = "restore it from version control, or count again with edgekit profile"


class StoredCount(Counted):
    """What a file holds: counts and their seal.

    Attributes:
        digest: sha256 of the other fields as JSON with sorted keys and without spaces.
    """

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


def count_path(root: Path, device: str, key: str) -> Path:
    """Where the counts of a key are kept.

    Raises:
        UsageError: the names lead out of ``root``.
    """
    return inside(root, device, FOLDER, f"{key}.json", field="the path of counts (their device, model and profile)")


def save_count(root: Path, counted: Counted) -> Path:
    """Keep counts in the place of older ones; their file.

    Raises:
        ToolError: the folder cannot be written.
    """
    path = count_path(root, counted.device.id, counted.key)
    plain = counted.to_plain()
    write_atomic(path, render({**plain, "digest": digest(plain)}) + "\n")
    return path


def load_count(path: Path) -> Counted:
    """The counts that a file holds.

    Raises:
        UsageError: it cannot be read, holds none, or was changed after it was written.
    """
    text = read_text(path, REMEDY, what="a file of counts")
    try:
        plain = json.loads(text)
        if not isinstance(plain, dict):
            raise UsageError(f"{path} holds no counts: it is not a JSON object", REMEDY)
        seal = plain.pop("digest", None)
        counted = Counted.from_plain(plain)
    except ValidationError as error:
        raise UsageError(f"{path} holds no counts: {first_problem(error)}", REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} holds no counts: {error}", REMEDY) from error
    if seal != digest(plain):
        raise UsageError(f"{path} was changed after it was counted: its digest does not fit", REMEDY)
    return counted


def stored_counts(root: Path) -> list[Path]:
    """The files of all counts below ``root``, in order."""
    return sorted(root.glob(f"*/{FOLDER}/*.json")) if root.is_dir() else []
