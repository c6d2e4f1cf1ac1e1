"""The gate's error rates in simulation: A/A runs and true slowdowns under noise of several kinds.

Everything is an array over gates, so that 20,000 gates of a kind take a second. The rule is that of
``edgekit.gate.rule``; the tests hold the two against each other gate by gate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from edgekit.base.stats import wilson
from edgekit.types import GateRule

Array = np.ndarray
EFFECTS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.10)


@dataclass(frozen=True)
class Noise:
    """What the logarithm of a launch's median is made of, besides the model's own.

    Attributes:
        says: the model in words.
        launch: draws ``(gates, launches)`` effects that a launch keeps (memory layout, clock at its start).
        walk: standard deviation of the step of a random walk from launch to launch (temperature, clock).
        second: added to the second side of a pair (the first has warmed the device up).
        phone: True when the rule of phones applies.
    """

    says: str
    launch: Callable[[np.random.Generator, tuple[int, int]], Array]
    walk: float = 0.0
    second: float = 0.0
    phone: bool = False


def normal(sd: float) -> Callable[[np.random.Generator, tuple[int, int]], Array]:
    """Normal launch effects."""
    return lambda rng, shape: rng.normal(0, sd, shape)


def student(scale: float, freedom: float) -> Callable[[np.random.Generator, tuple[int, int]], Array]:
    """Heavy-tailed launch effects."""
    return lambda rng, shape: scale * rng.standard_t(freedom, shape)


def modes(sd: float, step: float, share: float) -> Callable[[np.random.Generator, tuple[int, int]], Array]:
    """Launches that fall into a slower mode now and then."""
    return lambda rng, shape: rng.normal(0, sd, shape) + step * (rng.random(shape) < share)


def neighbour(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Someone else's job comes and goes: a quarter of the launches run 10 to 100 % slower."""
    slower: Array = np.log1p(rng.uniform(0.1, 1.0, shape)) * (rng.random(shape) < 0.25)
    noise: Array = rng.normal(0, 0.008, shape) + slower
    return noise


NOISES = {
    "quiet x86": Noise("launch effect 0.4 %", normal(0.004), walk=0.0005),
    "Pi-like": Noise("launch effect 0.8 %, random walk of 0.2 % a launch", normal(0.008), walk=0.002),
    "phone-like": Noise("launch effect 2 %, random walk of 0.5 % a launch", normal(0.02), walk=0.005, phone=True),
    "heavy tails": Noise("launch effect 0.8 % times Student's t with 2 degrees of freedom", student(0.008, 2)),
    "random-walk drift": Noise("launch effect 0.8 %, random walk of 1 % a launch", normal(0.008), walk=0.01),
    "second place": Noise("launch effect 0.8 %, the second side of a pair 2 % slower", normal(0.008), second=0.02),
    "launch effect": Noise("launch effect 3 %", normal(0.03)),
    "bimodal launches": Noise("3 launches of 10 are 5 % slower, launch effect 0.5 %", modes(0.005, 0.05, 0.3)),
    "noisy neighbour": Noise("a quarter of the launches 10 to 100 % slower, launch effect 0.8 %", neighbour),
}


def log_ratios(noise: Noise, effect: float, gates: int, pairs: int, rng: np.random.Generator) -> Array:
    """Log ratios of pairs, ``(gates, pairs)``, of a candidate that is truly slower by ``effect`` (0.05: 5 %)."""
    shape = (gates, 2 * pairs)
    launches = noise.launch(rng, shape) + np.cumsum(rng.normal(0, 1, shape) * noise.walk, axis=1)
    first, second = launches[:, 0::2], launches[:, 1::2] + noise.second
    # Of each two pairs one each way, which first is drawn: as the engine's orders.
    drawn = rng.random((gates, pairs // 2)) < 0.5
    candidate_first = np.empty((gates, pairs), bool)
    candidate_first[:, 0::2], candidate_first[:, 1::2] = drawn, ~drawn
    return math.log1p(effect) + np.where(candidate_first, first - second, second - first)


def trimmed(logs: Array) -> tuple[Array, Array, int]:
    """The 20 %-trimmed mean of each row, its standard error, and the degrees of freedom, as ``stats.trimmed_mean``."""
    ordered = np.sort(logs, axis=1)
    count = ordered.shape[1]
    cut = count // 5
    kept = count - 2 * cut
    mean = ordered[:, cut : count - cut].mean(axis=1)
    winsorized = np.clip(ordered, ordered[:, cut, None], ordered[:, count - 1 - cut, None])
    error = np.sqrt((count - 1) * winsorized.var(axis=1, ddof=1) / (kept * (kept - 1)))
    return mean, error, kept - 1


@dataclass(frozen=True)
class Outcome:
    """What came of many gates: which failed and which passed (the others: INCONCLUSIVE), their pairs and their p."""

    failed: Array
    passed: Array
    pairs: Array
    p_slower: Array


def run_gates(logs: Array, rule: GateRule, family: int = 1) -> Outcome:
    """The rule on every row of ``logs``; with a family, rows ``k * family`` to ``(k + 1) * family`` are one run."""
    gates, level = len(logs), rule.alpha / len(rule.looks)
    failed, passed = np.zeros(gates, bool), np.zeros(gates, bool)
    open_, pairs, smallest = np.ones(gates, bool), np.zeros(gates, int), np.ones(gates)
    last_high = np.full(gates, np.inf)
    for count in rule.looks:
        mean, error, freedom = trimmed(logs[:, :count])
        p = t.sf((mean - math.log1p(rule.tolerance)) / error, freedom)
        high = mean + t.isf(level, freedom) * error
        pairs[open_] = count
        smallest = np.where(open_, np.minimum(smallest, p), smallest)
        last_high = np.where(open_, high, last_high)
        now_failed = open_ & (p < level / family)
        now_passed = open_ & ~now_failed & (high < math.log1p(rule.delta)) & (p >= level)
        failed |= now_failed
        passed |= now_passed
        open_ &= ~(now_failed | now_passed)
    overall = np.minimum(1.0, len(rule.looks) * smallest)
    if family > 1:
        failed |= holm(overall.reshape(-1, family), rule.alpha).ravel()
        passed = ~failed & (last_high < math.log1p(rule.delta))
    return Outcome(failed, passed, pairs, overall)


def holm(p: Array, alpha: float) -> Array:
    """Holm's procedure on every row of ``p``: what is rejected."""
    order = np.argsort(p, axis=1)
    limits = alpha / (p.shape[1] - np.arange(p.shape[1]))
    below = np.take_along_axis(p, order, axis=1) < limits
    rejected: Array = np.empty_like(below)
    np.put_along_axis(rejected, order, np.logical_and.accumulate(below, axis=1), axis=1)
    return rejected


def interval(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share; everything where nothing was counted."""
    if of == 0:
        return 0.0, 1.0
    rate = wilson(count, of)
    return rate.low, rate.high


def default_rule(noise: Noise) -> GateRule:
    """The rule that the gate takes when nothing is configured."""
    return GateRule(tolerance=0.02, delta=0.06) if noise.phone else GateRule()


def simulate(gates: int, seed: int = 20261124) -> list[dict[str, object]]:
    """Every noise by every effect, by the default rule and with a tolerance of nothing; one row each."""
    rows = []
    for number, (name, noise) in enumerate(NOISES.items()):
        usual = default_rule(noise)
        for rule in (usual, GateRule(tolerance=0.0, delta=usual.delta)):
            for effect in EFFECTS:
                rng = np.random.default_rng([seed, number, round(effect * 1000)])
                found = run_gates(log_ratios(noise, effect, gates, rule.looks[-1], rng), rule)
                fails, passes = int(found.failed.sum()), int(found.passed.sum())
                rows.append(
                    {
                        "noise": name,
                        "says": noise.says,
                        "tolerance": rule.tolerance,
                        "delta": rule.delta,
                        "effect": effect,
                        "gates": gates,
                        "fail": fails,
                        "fail_interval": interval(fails, gates),
                        "pass": passes,
                        "pass_interval": interval(passes, gates),
                        "inconclusive": gates - fails - passes,
                        "mean_pairs": float(found.pairs.mean()),
                    }
                )
    return rows


def simulate_family(runs: int, family: int = 8, seed: int = 20261124) -> list[dict[str, object]]:
    """Runs of several gates, all A/A, at a true slowdown of exactly the tolerance (the hardest case) and of nothing."""
    rows = []
    for number, (name, noise) in enumerate(NOISES.items()):
        rule = default_rule(noise)
        for effect in (0.0, rule.tolerance):
            rng = np.random.default_rng([seed, 1000 + number, round(effect * 1000)])
            found = run_gates(log_ratios(noise, effect, runs * family, rule.looks[-1], rng), rule, family)
            fails = int(found.failed.reshape(-1, family).any(axis=1).sum())
            rows.append(
                {
                    "noise": name,
                    "effect": effect,
                    "tolerance": rule.tolerance,
                    "family": family,
                    "runs": runs,
                    "any_fail": fails,
                    "any_fail_interval": interval(fails, runs),
                }
            )
    return rows
