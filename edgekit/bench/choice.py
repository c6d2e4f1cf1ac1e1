"""Decide which artifact is faster by paired measurements, judged after numbers of rounds that are fixed beforehand."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..base.progress import Progress, silent, telling
from ..base.stats import MIN_PAIRS
from ..types import Measurement, Ratio, Speed
from .paired import Contender, Round, one_round, ratio_of, shuffled
from .session import Session

LOOKS = (10, 20)
"""Numbers of rounds after which the questions are judged."""
ERROR = 0.05
"""Probability of any wrong "faster" or "slower", divided among questions and looks."""
RESOLUTION = 0.05
"""If the interval around the bound cannot rule out a gain of this size, the machine was too noisy to tell."""
SPARE = 1.0
"""A device is overloaded with more runnable tasks than this above its number of cores (our own task counts). An
inference longer than a time slice is then interrupted, and a shorter one is not, so pairs do not help: at a load of 20
on two cores, 2.1 ms of work looked 20 times as long as 1.4 ms.
"""


@dataclass(frozen=True)
class Question:
    """Is ``other`` more than ``bound`` times as fast as ``base``?

    Attributes:
        may_leave: stop measuring ``other`` once it is known to be slower.
    """

    base: str
    other: str
    bound: float = 1.0
    may_leave: bool = True


@dataclass
class Compared:
    """The result of the rounds.

    Attributes:
        confidence: of every ratio.
        ratios: per question; none where throttling left too few rounds.
        dropped: rounds that a throttled launch spoiled.
        overload: the load and the cores, in words, where the device was overloaded in most rounds: then nothing is
            decided.
    """

    confidence: float
    rounds: list[Round] = field(default_factory=list)
    ratios: dict[Question, Ratio] = field(default_factory=dict)
    dropped: int = 0
    overload: str = ""

    def speed(self, question: Question) -> Speed:
        """The answer to a question."""
        ratio = self.ratios.get(question)
        return "undecided" if ratio is None or self.overload else speed(ratio, question.bound)

    def ratio(self, base: str, other: str) -> Ratio | None:
        """Latency of ``base`` over that of ``other``; None when too few rounds have both."""
        both = sum(base in one and other in one for one in self.rounds)
        return ratio_of(self.rounds, base, other, self.confidence) if both >= MIN_PAIRS else None

    def p50_ms(self, name: str) -> float | None:
        """Median over the rounds of a contender's median latency; None when every round was dropped."""
        taken = [one[name].p50_ms for one in self.rounds if name in one]
        return statistics.median(taken) if taken else None

    def any_of(self, name: str) -> Measurement | None:
        """One measurement of a contender, for its conditions."""
        return next((one[name] for one in self.rounds if name in one), None)


def compare(
    session: Session,
    contenders: Sequence[Contender],
    questions: Sequence[Question],
    progress: Progress = silent,
    looks: Sequence[int] = LOOKS,
    spare: float = SPARE,
) -> Compared:
    """Measure in rounds until every question is answered, or until the last look.

    Args:
        session: the device.
        contenders: of different names.
        questions: about them.
        progress: receives an event as each step begins.
        looks: rounds after which the questions are asked.
        spare: see ``SPARE``.

    Raises:
        ToolError: a launch failed.
    """
    found = Compared(confidence=1 - ERROR / (max(1, len(questions)) * len(looks)))
    running, order = list(contenders), shuffled()
    for done in range(1, looks[-1] + 1):
        one = one_round(session, order(running), telling(f"round {done} of at most {looks[-1]}", progress))
        if any(taken.verdict.name == "throttled" for taken in one.values()):
            found.dropped += 1
        else:
            found.rounds.append(one)
        if done in looks:
            found.overload = overload(found.rounds, spare)
            ratios = {q: found.ratio(q.base, q.other) for q in questions}
            found.ratios = {q: ratio for q, ratio in ratios.items() if ratio is not None}
            answers = {q: found.speed(q) for q in questions}
            if "undecided" not in answers.values():
                break
            gone = {q.other for q, answer in answers.items() if q.may_leave and answer == "slower"}
            running = [one for one in running if one.name not in gone]
    return found


def overload(rounds: Sequence[Round], spare: float) -> str:
    """The overload in words, if most rounds began on an overloaded device; else empty."""
    loads = [max(taken.state_before.load_1m or 0.0 for taken in one.values()) for one in rounds]
    if not loads:
        return ""
    cores = next(iter(rounds[0].values())).info.cores
    middle = statistics.median(loads)
    return f"{middle:.1f} runnable tasks on {cores} cores" if middle > cores + spare else ""


def speed(ratio: Ratio, bound: float = 1.0) -> Speed:
    """The conclusion from an interval about a speed-up over ``bound``.

    ``undecided`` when it holds the bound and is too wide to rule out a relevant gain.
    """
    if ratio.low > bound:
        return "faster"
    if ratio.high < bound:
        return "slower"
    return "undecided" if ratio.high > bound * (1 + RESOLUTION) else "no faster"
