"""MnasNet's objective, the limits and the front."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import UsageError
from edgekit.select.pareto import Candidate, Limits, near_limit, objective, rank


@dataclass(frozen=True)
class Measured:
    """What the choice looks at of a measurement."""

    p50_ms: float
    artifact_bytes: int = 4_000_000
    samples_ns: tuple[int, ...] = field(default=())


def candidate(latency: float, accuracy: float | None, size_mb: float = 4.0) -> Candidate:
    return Candidate(Measured(latency, round(size_mb * 1e6)), accuracy, "paper")


def test_the_objective_is_the_papers():
    # Section 3: at w = -0.07 a model of twice the latency and 5 % relative gain in accuracy is worth about the same.
    a, b = objective(candidate(100, 70.0), 75, -0.07), objective(candidate(200, 73.5), 75, -0.07)
    assert a == pytest.approx(b, rel=0.001)
    assert objective(candidate(75, 70.0), 75, -0.07) == 70.0
    assert objective(candidate(9, None), 75, -0.07) is None


def test_those_that_keep_the_limits_come_first():
    ranked = rank([candidate(10, 70), candidate(40, 76), candidate(12, 74)], Limits(latency_ms=20))
    assert [one.candidate.accuracy for one in ranked] == [74, 70, 76]
    assert ranked[-1].missed == ("40 ms, over 20",)


def test_every_limit_is_named():
    (one,) = rank([candidate(40, 60, 9)], Limits(latency_ms=20, size_mb=5, accuracy=70))
    assert one.missed == ("40 ms, over 20", "9 MB, over 5", "top-1 60 %, below 70")
    (one,) = rank([candidate(1, None)], Limits(accuracy=70))
    assert one.missed == ("no accuracy is known",)


@pytest.mark.parametrize("name", ["latency_ms", "size_mb", "accuracy"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1.0])
def test_what_is_no_limit_is_refused(name: str, value: float):
    with pytest.raises(UsageError, match="the limit of the"):
        Limits(**{name: value})


def test_an_unknown_accuracy_comes_after_a_known_one():
    assert [r.candidate.accuracy for r in rank([candidate(1, None), candidate(50, 60)], Limits())] == [60, None]


def test_the_front():
    ranked = rank([candidate(10, 70), candidate(20, 75), candidate(21, 74), candidate(21, 74, 1.0)], Limits())
    assert {(r.candidate.latency_ms, r.candidate.size_mb): r.front for r in ranked} == {
        (10, 4.0): True,
        (20, 4.0): True,
        (21, 4.0): False,
        (21, 1.0): True,
    }


@pytest.mark.parametrize(("limit", "near"), [(9.0, False), (10.005, True), (11.0, False), (None, False)])
def test_near_the_limit_means_within_the_interval(limit: float | None, near: bool):
    samples = tuple(10_000_000 + 1000 * i for i in range(-50, 51))
    assert near_limit(Candidate(Measured(10.0, 1, samples), 70, ""), Limits(latency_ms=limit)) is near


candidates = st.builds(candidate, st.floats(0.1, 1000), st.none() | st.floats(1, 100), st.floats(0.1, 100))


def dominates(a: Candidate, b: Candidate) -> bool:
    """The front's definition: A is nowhere worse than B and somewhere better."""
    mine = (a.latency_ms, a.size_mb, -(a.accuracy or 0.0))
    theirs = (b.latency_ms, b.size_mb, -(b.accuracy or 0.0))
    return mine != theirs and all(x <= y for x, y in zip(mine, theirs, strict=True))


few = st.sampled_from([1.0, 2.0, 3.0])
alike = st.builds(candidate, few, st.none() | few, few)


@given(st.lists(candidates | alike, min_size=1, max_size=12), st.floats(0.1, 1000), st.floats(1, 100))
def test_rank_keeps_everyone_and_the_first_keeps_the_limits_if_any_does(found, latency, accuracy):
    limits = Limits(latency_ms=latency, accuracy=accuracy)
    ranked = rank(found, limits)
    assert len(ranked) == len(found)
    keeps = [c for c in found if c.latency_ms <= latency and (c.accuracy or 0) >= accuracy]
    assert bool(keeps) == (not ranked[0].missed)
    assert any(one.front for one in ranked)
    for one in ranked:
        assert one.front == (not any(dominates(other, one.candidate) for other in found))
