"""Rounds of turns: artifacts in fresh processes, loaded at once, compared turn by turn.

In each round all are loaded once. Ratios are paired within a round, and their interval comes from the rounds, since
launches differ.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..base.progress import Progress, Step, silent
from ..errors import ToolError
from ..types import Ratio
from .launch import ThisMachine
from .paired import Contender, Round, ratio_of_logs
from .session import Session, model_files
from .turns import LAUNCH, by_turns, log_ratio, shuffled


@dataclass(frozen=True)
class TurnRound:
    """One round.

    Attributes:
        launches: each contender's turns as one measurement, by its name.
        turns_ns: nanoseconds of the inferences of each turn, by its name.
    """

    launches: Round
    turns_ns: Mapping[str, Sequence[Sequence[int]]]


def turn_rounds(
    session: Session, contenders: Sequence[Contender], seed: int = 0, progress: Progress = silent
) -> Iterator[TurnRound]:
    """Endless rounds on this machine; the caller decides when to stop.

    Args:
        session: where and with what; the warm-up and the length of a turn are those of :mod:`edgekit.bench.turns`.
        contenders: of different names; an artifact may take part twice (A/A).
        seed: of the orders.
        progress: receives an event as each step begins.

    Raises:
        ToolError: one does not run.
    """
    assert isinstance(session.transport, ThisMachine), "turns are taken on this machine"
    order = random.Random(seed)  # noqa: S311 - a shuffle, no secret
    by_name = {one.name: one for one in contenders}
    for number in itertools.count(1):
        progress(Step(f"{len(by_name)} artifacts by turns", (f"round {number}",)))
        requests = {name: request_of(session, by_name[name]) for name in shuffled(list(by_name), order)}
        taken, errors = by_turns(requests, order, machine=session.transport)
        if errors:
            name, message = next(iter(errors.items()))
            raise ToolError(f"{name} does not run: {message}")
        launches = {
            name: session.compose(by_name[name].stored.artifact, one.answer)
            for name, one in taken.items()
            if one.answer is not None
        }
        yield TurnRound(launches, {name: one.turns_ns for name, one in taken.items()})


def request_of(session: Session, one: Contender) -> dict[str, object]:
    """What the agent is asked about a contender."""
    file = model_files(one.stored)[0].resolve()
    return {**session.request(one.stored.artifact), "model": str(file), **LAUNCH}


def ratio_of_turns(taken: Sequence[TurnRound], base: str, other: str, confidence: float = 0.95) -> Ratio:
    """Latency of ``base`` over that of ``other``.

    Raises:
        ValueError: fewer than five rounds.
    """
    return ratio_of_logs([log_ratio(one.turns_ns[base], one.turns_ns[other]) for one in taken], confidence)
