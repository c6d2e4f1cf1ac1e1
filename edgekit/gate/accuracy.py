"""The gate's limit on accuracy: how much top-1 a candidate may lose against its float network."""

from __future__ import annotations

from typing import Literal

from ..artifacts.accuracy.kept import evaluations_of, read_kept
from ..errors import UsageError
from ..reports.brief.asks import evaluate_command
from ..types import Stored
from ..verify.drop_gate import judge_drop

Status = Literal["PASS", "FAIL", "INCONCLUSIVE", "INVALID"]


def accuracy_status(candidate: Stored, max_drop: float) -> tuple[Status, str]:
    """Whether the candidate keeps the limit, and a sentence.

    The latest evaluation against the float network counts, or against a float32 artifact of the same weights. Without
    one the result is INCONCLUSIVE, not a pass.

    Args:
        candidate: its folder holds what ``edgekit evaluate`` kept.
        max_drop: the limit, in points of top-1.
    """
    try:
        kept, fresh = read_kept(candidate), evaluations_of(candidate)
    except UsageError as error:
        return "INVALID", str(error)
    against = [one for one in fresh if one.of_float]
    artifact = candidate.artifact
    command = evaluate_command(str(candidate.folder), artifact.weights.kind, artifact.command)
    if not against:
        why = "is of another file: the artifact was changed since" if kept and not fresh else "was not evaluated"
        return "INCONCLUSIVE", f"max_drop is {max_drop:g} points, and what the candidate loses {why}; run {command}"
    found = against[-1]
    assert found.drop is not None
    verdict = judge_drop(found.drop, max_drop)
    return verdict.status, f"accuracy: {verdict.reason}, on {found.images} images of {found.data}"
