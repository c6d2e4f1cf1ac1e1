"""JSON as it is kept under version control: one line per field, long lists of numbers wrapped."""

from __future__ import annotations

import json
from typing import Any

WIDTH = 118


ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def render(value: Any, indent: str = "") -> str:
    """JSON with one line per field; lists of numbers are wrapped, so that a thousand samples take few lines."""
    if not isinstance(value, dict | list) or not value:
        return ENCODE(value)
    inner, line = indent + " ", ""
    if indent or isinstance(value, list):  # the whole file is never one line
        line = ENCODE(value)
        if indent and len(indent) + len(line) <= WIDTH:
            return line
    if isinstance(value, dict):
        body = ",\n".join(f"{inner}{json.dumps(key)}: {render(item, inner)}" for key, item in value.items())
        return f"{{\n{body}\n{indent}}}"
    if all(isinstance(item, (int, float)) for item in value):  # as a union it takes longer
        return f"[\n{wrap(line[1:-1].split(', '), inner)}\n{indent}]"
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
