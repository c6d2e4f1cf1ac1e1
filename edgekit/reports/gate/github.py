"""The result of a gate for GitHub Actions: annotations as workflow commands."""

from __future__ import annotations

from collections.abc import Sequence

from ...types import GateResult, GateStatus
from .words import remarks

LEVEL: dict[GateStatus, str] = {
    "PASS": "notice",
    "FAIL": "error",
    "INVALID": "error",
    "BROKEN_OFF": "error",
    "INCONCLUSIVE": "warning",
    "NOT_COMPARABLE": "warning",
}


def workflow_commands(results: Sequence[GateResult]) -> list[str]:
    """One workflow command per result."""
    return [
        f"::{LEVEL[result.status]} title={escaped(f'edgekit gate: {result.status}', True)}::"
        + escaped("\n".join([result.name, *remarks(result)]))
        for result in results
    ]


def escaped(text: str, is_property: bool = False) -> str:
    """``text`` as the runner unescapes it; in a property a colon and a comma would end it."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text
