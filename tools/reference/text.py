"""Markdown from docstrings and rows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

NOTE = "<!-- Made by `python -m tools.reference`: change the code that it describes, not this page. -->"


def page(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join([f"# {title}", NOTE, *(part for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a ``|`` inside a cell is written so that it does not end the cell."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def plain(text: str) -> str:
    """Docstring markup as Markdown: ``x`` and :func:`x` as `x`."""
    return re.sub(r"``(.+?)``", r"`\1`", re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text))


def sentence(text: str) -> str:
    """With a capital at the beginning and a full stop at the end; names in backticks keep their case."""
    text = plain(text.strip())
    if not text:
        return text
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else f"{text}."


def summary(thing: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return plain(" ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split()))


def attributes(type_: type) -> dict[str, str]:
    """What a class and its bases say of each attribute under ``Attributes:``."""
    found: dict[str, str] = {}
    for owner in reversed(type_.__mro__):
        if owner.__module__.startswith("pydantic"):
            continue
        for names, words in sections(owner.__dict__.get("__doc__") or "", "Attributes:"):
            found |= dict.fromkeys((name.strip() for name in names.split(",")), words)
    return found


def sections(doc: str, head: str) -> list[tuple[str, str]]:
    """The entries below ``head`` of a docstring: what stands before each colon, and the text behind it."""
    lines = inspect.cleandoc(doc).splitlines()
    if head not in lines:
        return []
    entries: list[tuple[str, str]] = []
    for line in lines[lines.index(head) + 1 :]:
        if line and not line.startswith(" "):
            break
        begins = re.fullmatch(r" {4}(\w[\w, ]*): (.*)", line)
        if begins:
            entries.append((begins[1], begins[2].strip()))
        elif line.strip() and entries:
            entries[-1] = (entries[-1][0], f"{entries[-1][1]} {line.strip()}")
    return entries
