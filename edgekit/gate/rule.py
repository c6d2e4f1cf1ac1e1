"""The gate's rule: how many pairs are enough, and what they prove. Pure statistics; no device, no file.

r = ln(candidate / baseline) of a pair's medians. After 8, 14 and 20 pairs the 20 %-trimmed mean of r is taken with
Yuen's t interval (Yuen 1974), one-sided alpha / looks on each side.

- FAIL: the lower bound is above ln(1 + tolerance). Checked first: a slowdown that is proven and not tolerated is one,
  however small.
- PASS: the upper bound is below ln(1 + delta), and the same look is no evidence, uncorrected, of a slowdown.
- Else more pairs; after the last look INCONCLUSIVE.

Two promises follow. At a true slowdown of ``tolerance`` or less, FAIL comes with probability ``alpha`` at most (the
looks are added up, Bonferroni, so the shape of their dependence does not matter). At ``delta`` or more, PASS comes with
probability ``alpha`` at most. Between the two either verdict is right. ``delta`` must therefore be above ``tolerance``;
the narrower the room between them, the more pairs end INCONCLUSIVE.

Why a tolerance of 1 % and not of nothing: two builds of equal speed differ by some tenths of a percent for reasons that
are nobody's doing (where the allocator and the loader put things), and those differences do not vanish with more pairs.

Several gates of one run: p of a gate is 3 times its smallest p of a look, which is valid whenever the gate stopped.
Holm's step-down procedure over those p holds the chance of *any* false FAIL in the run to ``alpha``. While the run goes
on, a gate may FAIL at once at the Bonferroni level alpha / gates, which Holm would reject anyway; what lies between
waits for the others. PASS needs no correction: a run passes when all its gates do, and each has to prove it.

A pair is dropped whole or not at all, for reasons that do not look at its ratio, so dropping cannot bias it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from ..base.stats import trimmed_mean
from ..types import GateRule, Look

Decision = Literal["PASS", "FAIL"]


def look_at(logs: Sequence[float], rule: GateRule) -> Look | None:
    """What the log ratios say, or None when they do not vary: a clock too coarse to see the difference proves nothing.

    Raises:
        ValueError: fewer than five log ratios, or one that is not finite.
    """
    from scipy.special import stdtr, stdtrit  # scipy.stats takes half a second more to import

    if not all(math.isfinite(value) for value in logs):
        raise ValueError("a log ratio is not a finite number")
    mean, error, freedom = trimmed_mean(logs)
    if error < 1e-12:
        return None
    half = -float(stdtrit(freedom, rule.alpha / len(rule.looks))) * error
    return Look(
        pairs=len(logs),
        ratio=bounded_exp(mean),
        low=bounded_exp(mean - half),
        high=bounded_exp(mean + half),
        p_slower=float(stdtr(freedom, -(mean - math.log1p(rule.tolerance)) / error)),
    )


def bounded_exp(x: float) -> float:
    """exp(x), not beyond what JSON can hold."""
    return math.exp(min(x, 700.0))


def decide(look: Look, rule: GateRule, family: int = 1) -> Decision | None:
    """The verdict that a look allows while other gates of the run may still be open; None: go on.

    Args:
        look: the look.
        rule: tolerance, delta and alpha.
        family: gates in the run.
    """
    level = rule.alpha / len(rule.looks)
    if look.p_slower < level / family:
        return "FAIL"
    # With one gate the second condition is always met here. With several, a look that would FAIL alone waits.
    if look.high < 1 + rule.delta and look.p_slower >= level:
        return "PASS"
    return None


def overall_p(looks: Sequence[Look], rule: GateRule) -> float:
    """P of one gate over its looks; 1 when there was none."""
    return min([1.0, *(len(rule.looks) * look.p_slower for look in looks)])


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's step-down procedure rejects (Holm 1979), in the order given."""
    rejected = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] >= alpha / (len(p_values) - rank):
            break
        rejected[index] = True
    return rejected


def final_decision(looks: Sequence[Look], rule: GateRule, rejected: bool) -> Literal["PASS", "FAIL", "INCONCLUSIVE"]:
    """The verdict when every gate of the run has ended.

    Args:
        looks: of this gate, none when the pairs never varied.
        rule: its rule.
        rejected: whether Holm's procedure over the run rejects "not slower than tolerated".
    """
    if rejected:
        return "FAIL"
    return "PASS" if looks and looks[-1].high < 1 + rule.delta else "INCONCLUSIVE"


def too_many_dropped(dropped: int, attempted: int, rule: GateRule) -> bool:
    """True when more than the allowed share of the pairs was dropped."""
    return dropped > rule.max_dropped * attempted


def hopeless(dropped: int, rule: GateRule) -> bool:
    """True when the share cannot come down to the allowed one any more, even if every further pair is good."""
    return dropped > rule.max_dropped * rule.most_pairs
