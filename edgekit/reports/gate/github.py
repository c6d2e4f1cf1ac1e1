"""The result of a gate for GitHub Actions: annotations as workflow commands."""

from __future__ import annotations

from collections.abc import Sequence

from ...base.clean import for_workflow
from ...types import CountGate, GateResult, GateStatus
from .words import remarks

LEVEL: dict[GateStatus, str] = {
    "PASS": "notice",
    "FAIL": "error",
    "INVALID": "error",
    "BROKEN_OFF": "error",
    "INCONCLUSIVE": "warning",
    "NOT_COMPARABLE": "warning",
}


def workflow_commands(results: Sequence[GateResult] | Sequence[CountGate]) -> list[str]:
    """One workflow command per result."""
    return [
        f"::{LEVEL[result.status]} title={for_workflow(f'edgekit gate: {result.status}', True)}::"
        + for_workflow("\n".join([result.name, *remarks(result)]))
        for result in results
    ]
