from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import t

from edgekit.base.stats import trimmed_ratio
from edgekit.gate.rule import decide, final_decision, holm, hopeless, look_at, overall_p, too_many_dropped
from edgekit.types import GateRule, Look

RULE = GateRule()
logs = st.lists(st.floats(-3, 3), min_size=8, max_size=20)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def simulation():
    from benchmarks import gate_simulation

    return gate_simulation


def look(p: float = 0.5, high: float = 1.0) -> Look:
    return Look(pairs=8, ratio=1.0, low=0.9, high=high, p_slower=p)


# One look


def test_the_bounds_are_those_of_yuens_interval() -> None:
    values = [0.01 * x for x in (1, 3, -2, 5, 4, 0, 2, 30)]
    found = look_at(values, RULE)
    assert found is not None
    ratio, low, high = trimmed_ratio(values, confidence=1 - 2 * RULE.alpha / 3)
    assert (found.ratio, found.low, found.high) == pytest.approx((ratio, low, high))
    # The p of the tolerance and the bound say the same: at the level where p equals alpha the bound is the tolerance.
    assert (found.p_slower < RULE.alpha / 3) == (found.low > 1 + RULE.tolerance)


@given(logs)
def test_p_and_bound_never_contradict_each_other(values: list[float]) -> None:
    found = look_at(values, RULE)
    assume(found is not None and abs(found.low - 1 - RULE.tolerance) > 1e-9)
    assert (found.p_slower < RULE.alpha / 3) == (found.low > 1 + RULE.tolerance)
    assert found.low <= found.ratio <= found.high


@given(logs, st.floats(0.001, 1))
def test_a_slower_candidate_is_never_less_suspicious(values: list[float], more: float) -> None:
    before, after = look_at(values, RULE), look_at([value + more for value in values], RULE)
    assume(before is not None and after is not None)
    assert after.p_slower <= before.p_slower
    assert after.high >= before.high


@given(logs, st.randoms())
def test_the_order_of_the_pairs_does_not_matter(values: list[float], rng: random.Random) -> None:
    shuffled = list(values)
    rng.shuffle(shuffled)
    assert look_at(shuffled, RULE) == look_at(values, RULE)


@given(logs)
def test_swapping_the_sides_mirrors_the_ratio(values: list[float]) -> None:
    one, other = look_at(values, RULE), look_at([-value for value in values], RULE)
    assume(one is not None and other is not None)
    assert one.ratio * other.ratio == pytest.approx(1)
    assert one.low * other.high == pytest.approx(1)


@pytest.mark.parametrize("values", [[0.0] * 8, [0.05] * 20, [0.0] * 7 + [3.0]])
def test_ratios_that_do_not_vary_prove_nothing(values: list[float]) -> None:
    assert look_at(values, RULE) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        look_at([0.0, 0.1, 0.2, 0.1, 0.0, 0.1, 0.2, bad], RULE)


@pytest.mark.parametrize("count", range(5))
def test_too_few_pairs_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="pairs give no interval"):
        look_at([0.1] * count, RULE)


def test_an_absurd_ratio_can_still_be_written_down() -> None:
    found = look_at([900.0, 901.0] * 4, RULE)
    assert found is not None
    assert math.isfinite(found.high)


# Decisions


def test_a_proven_slowdown_fails_even_when_it_is_below_delta() -> None:
    tight = [0.02 + 0.0001 * x for x in range(8)]
    found = look_at(tight, RULE)
    assert found is not None
    assert found.high < 1 + RULE.delta
    assert decide(found, RULE) == "FAIL"


def test_tolerance_and_delta_decide() -> None:
    rng = random.Random(1)

    def decided(ratio: float) -> str | None:
        found = look_at([math.log(ratio) + rng.gauss(0, 0.003) for _ in range(8)], RULE)
        assert found is not None
        return decide(found, RULE)

    assert decided(1.0) == "PASS"
    assert decided(0.5) == "PASS"
    assert decided(1.05) == "FAIL"
    assert decided(2.0) == "FAIL"


def test_noise_decides_nothing() -> None:
    found = look_at([0.3, -0.3, 0.2, -0.2, 0.4, -0.4, 0.1, -0.1], RULE)
    assert found is not None
    assert decide(found, RULE) is None


def test_with_other_gates_a_suspicion_waits_for_them() -> None:
    suspicious = look(p=RULE.alpha / 3 / 4, high=1.02)
    assert decide(suspicious, RULE, family=1) == "FAIL"
    assert decide(suspicious, RULE, family=8) is None
    assert final_decision([suspicious], RULE, rejected=True) == "FAIL"
    assert final_decision([suspicious], RULE, rejected=False) == "PASS"
    assert final_decision([look(high=1.5)], RULE, rejected=False) == "INCONCLUSIVE"
    assert final_decision([], RULE, rejected=False) == "INCONCLUSIVE"


@given(st.floats(0, 1), st.floats(0.5, 2), st.integers(1, 20))
def test_what_fails_in_a_family_fails_alone(p: float, high: float, family: int) -> None:
    alone, together = decide(look(p, high), RULE), decide(look(p, high), RULE, family)
    if together is not None:
        assert together == alone


def test_looks_are_paid_for() -> None:
    assert overall_p([], RULE) == 1
    assert overall_p([look(0.9)], RULE) == 1
    assert overall_p([look(0.2), look(0.01), look(0.5)], RULE) == pytest.approx(0.03)


# Several gates


def plain_holm(p: list[float], alpha: float) -> set[int]:
    """Holm's procedure as its closed test: a hypothesis is rejected when every set with it is, by Bonferroni."""
    everything = range(len(p))
    sets = [[i for i in everything if mask >> i & 1] for mask in range(1, 2 ** len(p))]
    return {i for i in everything if all(min(p[j] for j in s) < alpha / len(s) for s in sets if i in s)}


@given(p_values)
def test_holm_is_the_closed_test_of_bonferroni(p: list[float]) -> None:
    assert {i for i, rejected in enumerate(holm(p, 0.05)) if rejected} == plain_holm(p, 0.05)


def test_holm_of_nothing() -> None:
    assert holm([], 0.025) == []


@given(p_values)
def test_a_gate_that_fails_at_once_is_rejected_by_holm_too(p: list[float]) -> None:
    rejected = holm([min(1.0, 3 * value) for value in p], RULE.alpha)
    for value, also in zip(p, rejected, strict=True):
        if decide(look(value, 2.0), RULE, len(p)) == "FAIL":
            assert also


# Dropped pairs


def test_a_fifth_may_be_dropped() -> None:
    assert RULE.most_pairs == 25
    assert not too_many_dropped(2, 10, RULE)
    assert too_many_dropped(3, 11, RULE)
    assert not hopeless(5, RULE)
    assert hopeless(6, RULE)
    strict = GateRule(max_dropped=0)
    assert strict.most_pairs == 20
    assert hopeless(1, strict)


@given(st.floats(0, 0.9), st.integers(0, 200))
def test_hopeless_means_that_no_number_of_good_pairs_helps(share: float, dropped: int) -> None:
    rule = GateRule(max_dropped=share)
    most = rule.looks[-1] + dropped
    if hopeless(dropped, rule):
        assert too_many_dropped(dropped, most, rule)


# The rule itself


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tolerance": 0.03, "delta": 0.03}, r"delta \(0.03\) must be above tolerance \(0.03\)"),
        ({"tolerance": -0.01}, "greater than or equal to 0"),
        ({"tolerance": math.nan}, "tolerance"),
        ({"looks": ()}, "rising even numbers"),
        ({"looks": (8, 8)}, "rising even numbers"),
        ({"looks": (7,)}, "rising even numbers"),
        ({"looks": (4,)}, "rising even numbers"),
        ({"max_dropped": 1.0}, "less than 1"),
    ],
)
def test_rules_that_cannot_work(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GateRule(**fields)  # type: ignore[arg-type]


# Against the simulation, and its error rates


@pytest.mark.parametrize("family", [1, 4])
@pytest.mark.parametrize("effect", [0.0, 0.02, 0.05])
def test_the_simulation_follows_the_rule_gate_by_gate(effect: float, family: int) -> None:
    sim = simulation()
    drawn = sim.log_ratios(sim.NOISES["launch effect"], effect, 40, 20, np.random.default_rng(7))
    found = sim.run_gates(drawn, RULE, family)
    for start in range(0, 40, family):
        looks, decisions = [], []
        for row in drawn[start : start + family]:
            taken, decision = [], None
            for count in RULE.looks:
                one = look_at(list(row[:count]), RULE)
                assert one is not None
                taken.append(one)
                decision = decide(one, RULE, family)
                if decision:
                    break
            looks.append(taken)
            decisions.append(decision)
        rejected = holm([overall_p(taken, RULE) for taken in looks], RULE.alpha)
        for offset, (taken, decision, slower) in enumerate(zip(looks, decisions, rejected, strict=True)):
            end = "FAIL" if decision == "FAIL" else final_decision(taken, RULE, slower)
            index = start + offset
            assert found.pairs[index] == taken[-1].pairs
            assert found.p_slower[index] == pytest.approx(overall_p(taken, RULE))
            assert end == ("FAIL" if found.failed[index] else "PASS" if found.passed[index] else "INCONCLUSIVE")


@pytest.mark.parametrize("noise", ["quiet x86", "Pi-like", "heavy tails", "random-walk drift", "bimodal launches"])
def test_it_does_not_cry_wolf(noise: str) -> None:
    sim = simulation()
    kind = sim.NOISES[noise]
    rule = GateRule(tolerance=0.0)  # the harder case: with the default tolerance there is next to nothing to count
    drawn = sim.log_ratios(kind, 0.0, 4000, 20, np.random.default_rng(3))
    fails = int(sim.run_gates(drawn, rule).failed.sum())
    assert sim.interval(fails, 4000)[0] < 0.025
    assert fails / 4000 < 0.02


@pytest.mark.parametrize("noise", ["quiet x86", "Pi-like", "heavy tails"])
def test_five_percent_are_caught(noise: str) -> None:
    sim = simulation()
    drawn = sim.log_ratios(sim.NOISES[noise], 0.05, 1000, 20, np.random.default_rng(4))
    assert sim.run_gates(drawn, RULE).failed.mean() > 0.95


def test_delta_is_a_promise_too() -> None:
    sim = simulation()
    drawn = sim.log_ratios(sim.NOISES["Pi-like"], RULE.delta, 4000, 20, np.random.default_rng(5))
    assert sim.run_gates(drawn, RULE).passed.mean() < RULE.alpha


def test_wilson_intervals() -> None:
    sim = simulation()
    assert sim.interval(0, 200)[1] == pytest.approx(0.0188, abs=1e-4)
    assert sim.interval(200, 200) == pytest.approx((0.9812, 1.0), abs=1e-4)
    assert sim.interval(0, 0) == (0.0, 1.0)
    assert t.ppf(0.975, 1e9) == pytest.approx(1.959964, abs=1e-5)
