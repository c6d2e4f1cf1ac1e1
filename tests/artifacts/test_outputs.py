"""Outputs of any rank against those of their network."""

from __future__ import annotations

import numpy as np

from edgekit.artifacts.outputs import RARE_IN_INT8, compare_output
from edgekit.types import ParityTolerance

BOUNDS = ParityTolerance(
    min_cosine=0.9, min_sqnr_db=8.0, min_image_sqnr_db=None, max_abs_error=0.5, min_top1_agreement=0.85
)


def test_a_few_pixels_that_turn_over() -> None:
    """One in two thousand is no failure of an int8 mask; one in five hundred is, and so is one for float."""
    mask = (np.random.default_rng(0).random((2, 1, 100, 100)) > 0.5).astype(np.float32)
    few, many = mask.copy(), mask.copy()
    few.reshape(-1)[::2000] = 1 - few.reshape(-1)[::2000]
    many.reshape(-1)[::500] = 1 - many.reshape(-1)[::500]
    found = compare_output(mask, few, BOUNDS, RARE_IN_INT8)
    assert found.passed
    assert found.max_abs == 1.0
    assert found.tolerance.max_abs_error > BOUNDS.max_abs_error
    assert compare_output(mask, few, BOUNDS).failures == ("largest error 1 exceeds 0.5 of the largest score 1",)
    assert not compare_output(mask, many, BOUNDS, RARE_IN_INT8).passed


def test_a_row_of_scores_has_no_room() -> None:
    scores = np.random.default_rng(0).random((16, 20)).astype(np.float32)
    off = scores.copy()
    off[3, 4] += 0.8
    assert not compare_output(scores, off, BOUNDS, RARE_IN_INT8).passed
