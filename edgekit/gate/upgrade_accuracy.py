"""Accuracy under two versions of a runtime: the same artifact, the same labelled images, image by image."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..artifacts.accuracy.scores import TIMEOUT_S, Answers, score, there
from ..base.progress import telling
from ..base.stats import wilson
from ..verify.accuracy import hits_at, paired_drop
from ..verify.drop_gate import judge_drop
from ..verify.evaluation_data import Images, no_labels, with_numbers
from .pairs import Role
from .upgrade import RuntimePairing

Status = Literal["PASS", "FAIL", "INCONCLUSIVE"]


def accuracy_under_both(pairing: RuntimePairing, images: Images, max_drop: float | None) -> tuple[Status, str]:
    """Whether the candidate's version of the runtime keeps the top-1 of the baseline's, and a sentence.

    Scores that are the same to the bit lose nothing, however few the images are. Otherwise the paired interval of the
    loss decides: with a limit it must lie within, without one it must not prove a loss.

    Args:
        pairing: the artifact under both versions.
        images: with labels.
        max_drop: points of top-1 that the candidate may lose; None for no proven loss.

    Raises:
        UsageError: the artifact's input is none that images become, or the labels do not fit its classes.
        VerificationError: a score is not finite.
        ToolError: a runtime or the device fails.
    """
    before, after = (answers_of(pairing, role, images) for role in pairing.sides)
    count, classes = after.scores.shape
    labels = with_numbers(images, classes, after.classes).labels
    if labels is None:
        raise no_labels(images.source)
    old, new = (hits_at(one.scores, labels, 1) for one in (before, after))
    shares = [f"{100 * wilson(int(right.sum()), count).share:.2f} %" for right in (old, new)]
    told = f"accuracy: top-1 {shares[0]} and {shares[1]} on {count} images of {images.source}"
    if np.array_equal(before.scores, after.scores):
        return "PASS", f"{told}; every score is the same"
    drop = paired_drop(new, old)
    if max_drop is not None:
        verdict = judge_drop(drop, max_drop)
        return verdict.status, f"{told}; {verdict.reason}"
    between = f"{100 * drop.low:+.2f} to {100 * drop.high:+.2f} points"
    if drop.low > 0:
        return "FAIL", f"{told}; a loss is proven: {between}"
    return "PASS", f"{told}; no loss is proven: {between}"


def answers_of(pairing: RuntimePairing, role: Role, images: Images) -> Answers:
    """The scores of one side, from its own environment on the device."""
    session = pairing.session_of(role)
    run = there(session.transport, session.device, TIMEOUT_S)
    return score(pairing.sides[role], images, telling(role, pairing.progress), TIMEOUT_S, run)
