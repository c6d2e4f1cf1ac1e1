"""Measurements on disk: ``<root>/<device>/<key>.json``, one file each, made to be committed and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import UsageError
from ..files import write_atomic
from ..types import Measurement

WIDTH = 118


def report_path(root: Path, measurement: Measurement) -> Path:
    """Where a measurement is kept; a newer one of the same key takes its place."""
    return root / measurement.device.id / f"{measurement.key}.json"


def save(root: Path, measurement: Measurement) -> Path:
    """Write a measurement and return its path.

    Raises:
        ToolError: the folder cannot be written; an older report is left as it was.
    """
    path = report_path(root, measurement)
    write_atomic(path, render(measurement.model_dump(mode="json")) + "\n")
    return path


def load(path: Path) -> Measurement:
    """Read a measurement.

    Raises:
        UsageError: the file cannot be read or does not hold a measurement of this version.
    """
    try:
        return Measurement.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a report: {error}", REMEDY) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is not a report: {where + ': ' if where else ''}{first['msg']}", REMEDY) from error


REMEDY = "restore it from version control, or delete it and measure again with edgekit profile"


def load_all(root: Path) -> list[Measurement]:
    """Every measurement under ``root``, ordered by device and file name; none when the folder does not exist.

    Raises:
        UsageError: one of the files does not hold a measurement.
    """
    return [load(path) for path in sorted(root.glob("*/*.json"))]


def render(value: Any, indent: str = "") -> str:
    """JSON with one line per field; lists of numbers are wrapped, so that a thousand samples take few lines."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or (indent and len(indent) + len(line) <= WIDTH):
        return line
    inner = indent + " "
    if isinstance(value, dict):
        body = ",\n".join(f"{inner}{json.dumps(key)}: {render(item, inner)}" for key, item in value.items())
        return f"{{\n{body}\n{indent}}}"
    if all(isinstance(item, int | float) for item in value):
        return f"[\n{wrap([json.dumps(item) for item in value], inner)}\n{indent}]"
    body = ",\n".join(inner + render(item, inner) for item in value)
    return f"[\n{body}\n{indent}]"


def wrap(items: list[str], indent: str) -> str:
    """Comma-separated ``items`` on lines of at most ``WIDTH`` characters."""
    lines, current = [], indent
    for item in items[:-1]:
        if len(current) + len(item) + 2 > WIDTH and current != indent:
            lines.append(current.rstrip())
            current = indent
        current += f"{item}, "
    if len(current) + len(items[-1]) > WIDTH:
        lines.append(current.rstrip())
        current = indent
    return "\n".join([*lines, current + items[-1]])
