"""Measurements on disk, made to be committed and compared. Nothing that was measured is ever overwritten.

``<root>/<device>/<key>.json`` is the latest measurement of a key.
``<root>/<device>/history/<key>/<time>-<digest>.json`` is each one ever made of it, the latest included: the time of the
measurement, and the first digits of its digest.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from ..base.files import write_atomic
from ..base.inside import inside
from ..base.untrusted import read_text
from ..errors import UsageError, shown
from ..types import Measurement, Summary
from .json_text import render
from .versions import upgrade, version_of

REMEDY = "restore it from version control, or delete it and measure again with edgekit profile"
HISTORY = "history"
NAMES = "the path of a measurement (its device, model and profile)"
FIRST_SEALED = 2
"""Versions before this one have no digest."""


class StoredMeasurement(Measurement):
    """What a file of the store holds: a measurement and its seal.

    Attributes:
        digest: sha256 of the other fields as JSON with sorted keys and without spaces.
    """

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Damaged:
    """A file of the store that could not be read, and why."""

    path: Path
    error: UsageError


def report_path(root: Path, measurement: Measurement | Summary) -> Path:
    """Where the latest measurement of a key is kept."""
    return inside(root, measurement.device.id, f"{measurement.key}.json", field=NAMES)


def history_path(root: Path, measurement: Measurement) -> Path:
    """Where a measurement stays for good."""
    time = measurement.moment.strftime("%Y%m%dT%H%M%S")
    name = f"{time}-{digest(measurement.to_plain())[:8]}.json"
    return inside(root, measurement.device.id, HISTORY, measurement.key, name, field=NAMES)


def digest(plain: dict[str, Any]) -> str:
    """The seal of JSON-able data: hex sha256."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def save(root: Path, measurement: Measurement) -> Path:
    """Add a measurement to the history, make it the latest of its key, and return the latest's path.

    Raises:
        ToolError: the folder cannot be written; what is there is left as it was.
        UsageError: the file of the latest is damaged; the new measurement is in the history, and the file stays.
    """
    kept = keep(root, measurement)
    path = report_path(root, measurement)
    if path.exists():
        try:
            keep(root, load(path))  # one that was measured before there was a history
        except UsageError as error:
            raise UsageError(f"{error}; it was not replaced, the new measurement is {kept}", error.hint) from error
    write_atomic(path, sealed(measurement))
    return path


def keep(root: Path, measurement: Measurement) -> Path:
    """Add a measurement to the history, unless it is there, and return its path."""
    path = history_path(root, measurement)
    # An edgekit with fewer fields gave the same measurement another digest.
    for same_time in sorted(path.parent.glob(f"{path.name.split('-')[0]}-*.json")):
        with suppress(UsageError):
            if load(same_time) == measurement:
                return same_time
    write_atomic(path, sealed(measurement))
    return path


def sealed(measurement: Measurement) -> str:
    """The text of a measurement's file."""
    plain = measurement.to_plain()
    return render({**plain, "digest": digest(plain)}) + "\n"


def load(path: Path) -> Measurement:
    """Read a measurement of this version or an older one.

    Raises:
        UsageError: the file cannot be read, is of a newer version, does not hold a measurement, or was changed after
            it was written. The message names the file and the field.
    """
    return parse_file(path, read_text(path, REMEDY, what="a report"))


def parse_file(path: Path, text: str) -> Measurement:
    """The measurement that ``text`` of ``path`` holds.

    Raises:
        UsageError: as in :func:`load`.
    """
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{path} is not a report: {error}", error.hint or REMEDY) from error
    except ValidationError as error:
        raise UsageError(f"{path} is not a report: {first_problem(error)}", REMEDY) from error


def parse(text: str) -> Measurement:
    """The measurement that a file's text holds.

    Raises:
        UsageError, ValidationError: as in :func:`load`, without the file's name.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Invalid JSON: {error}") from error
    if not isinstance(data, dict):
        raise UsageError("Input should be an object")
    version = version_of(data)
    seal = data.pop("digest", None)
    measurement = Measurement.from_plain(upgrade(data))  # first, so that a bad value is named by its field
    if version >= FIRST_SEALED and seal != digest(data):
        raise UsageError(
            "digest: the content was changed after it was measured"
            if seal
            else "digest: the key is missing, so nothing proves that the content is as measured"
        )
    return measurement


def first_problem(error: ValidationError) -> str:
    """Field, complaint and value of a validation's first problem."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    value = f" (value: {shown(first['input'])})" if isinstance(first["input"], int | float | str | None) else ""
    missing = first["type"] == "missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where + ': ' if where else ''}{message}{'' if missing else value}"
