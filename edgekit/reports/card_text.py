"""A model card as TOML, as a search writes the networks that it tries."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..types import ModelCard


def card_text(card: ModelCard) -> str:
    """The card's text; what is unknown or empty is left out, and reading it gives the same card."""
    plain = card.to_plain()
    tables = {name: plain.pop(name) for name in ("architecture", "preprocessing")}
    lines = [line(name, value) for name, value in plain.items() if value not in (None, "", [])]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *fields(table)]
    return "\n".join(lines) + "\n"


def fields(table: Mapping[str, object]) -> list[str]:
    """The lines of a table; those of a card hold no tables."""
    return [line(name, value) for name, value in table.items() if value is not None]


def line(name: str, value: object) -> str:
    """A key and its value; TOML writes strings, numbers, booleans and arrays of them as JSON does."""
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"
