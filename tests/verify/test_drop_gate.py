"""The verdict on a drop: proven within, proven beyond, or not to be told, and how many images would tell."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.types import PairedDrop
from edgekit.verify.accuracy import paired_drop
from edgekit.verify.drop_gate import images_needed, judge_drop


def drop_of(both: int, reference_only: int, subject_only: int, neither: int) -> PairedDrop:
    subject = [True] * both + [False] * reference_only + [True] * subject_only + [False] * neither
    reference = [True] * both + [True] * reference_only + [False] * subject_only + [False] * neither
    return paired_drop(np.array(subject), np.array(reference))


def test_within_is_proven_where_the_interval_ends_below_the_limit() -> None:
    found = judge_drop(drop_of(8900, 60, 50, 990), 1.0)
    assert found.status == "PASS"
    assert found.reason.startswith("within 1 points is proven: -0.")


def test_beyond_is_proven_where_the_interval_begins_above_the_limit() -> None:
    assert judge_drop(drop_of(8000, 500, 100, 1400), 1.0).status == "FAIL"


def test_a_drop_of_nothing_at_all_on_few_images_proves_nothing() -> None:
    found = judge_drop(drop_of(18, 0, 0, 2), 1.0)
    assert found.status == "INCONCLUSIVE"
    assert found.images_needed is not None
    assert f"about {found.images_needed:,} images would tell" in found.reason


@pytest.mark.parametrize(("reference_only", "limit"), [(6, 1.0), (12, 1.2), (30, 1.0)])
def test_so_many_images_tell_and_half_as_many_do_not(reference_only: int, limit: float) -> None:
    small = drop_of(900 - reference_only, reference_only, 4, 96)
    needed = images_needed(small, limit / 100)
    assert needed is not None

    def status(images: float) -> str:
        factor = images / 1000
        counts = (900 - reference_only, reference_only, 4, 96)
        return judge_drop(drop_of(*(round(count * factor) for count in counts)), limit).status

    assert status(1.05 * needed) != "INCONCLUSIVE"
    assert status(0.5 * needed) == "INCONCLUSIVE"


def test_a_drop_at_the_limit_is_never_told() -> None:
    found = judge_drop(drop_of(890, 10, 0, 100), 1.0)
    assert (found.status, found.images_needed) == ("INCONCLUSIVE", None)
    assert "lies at the limit" in found.reason


def test_the_error_rates_are_those_of_the_interval() -> None:
    """At a true drop just at the limit a proof of "within" is wrong, and comes in no more than one of 40 cases."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(400):
        both, reference_only, subject_only, neither = rng.multinomial(2000, [0.88, 0.02, 0.01, 0.09])
        wrong += judge_drop(drop_of(both, reference_only, subject_only, neither), 1.0).status == "PASS"
    assert wrong <= 18  # 10 are expected; 18 and more have a chance of 1 in 100
