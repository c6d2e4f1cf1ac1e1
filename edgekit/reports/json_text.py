"""JSON as it is kept under version control: one line per field, long lists of numbers wrapped."""

from __future__ import annotations

import json
from typing import Any

WIDTH = 118


NUMBERS = frozenset({int, float, bool})
ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def render(value: Any, indent: str = "") -> str:
    """JSON with one line per field; lists of numbers are wrapped, so that a thousand samples take few lines."""
    if not isinstance(value, dict | list) or not value:
        return ENCODE(value)
    if indent and may_fit(value, WIDTH - len(indent)):
        line = ENCODE(value)
        if len(indent) + len(line) <= WIDTH:
            return line
    inner = indent + " "
    if isinstance(value, dict):
        body = ",\n".join(f"{inner}{json.dumps(key)}: {render(item, inner)}" for key, item in value.items())
        return f"{{\n{body}\n{indent}}}"
    if NUMBERS.issuperset(map(type, value)):
        return f"[\n{wrap(ENCODE(value)[1:-1].split(', '), inner)}\n{indent}]"
    body = ",\n".join(inner + render(item, inner) for item in value)
    return f"[\n{body}\n{indent}]"


def may_fit(value: Any, room: int) -> bool:
    """False for what is longer than ``room`` for certain: what holds long lists is not written to see that."""
    if not isinstance(value, dict | list):
        return True
    if 3 * len(value) > room + 2:  # a character and ", " each
        return False
    return all(may_fit(item, room) for item in (value.values() if isinstance(value, dict) else value))


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
