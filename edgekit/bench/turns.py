"""Several artifacts loaded at once, each in a process of its own, that run by turns of some twenty milliseconds.

A disturbance of a second (a neighbour, the clock) slows all of them alike, whereas separate launches each meet a
different second: duet benchmarking (Bulej et al. 2020, doi:10.1145/3358960.3379132), but in turn, as the caches and the
memory bus are shared. Only one runs at a time; the others wait for a line on their stdin.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ..base.clean import visible
from ..base.listener import ExcessError, Listener
from ..base.processes.isolate import describe_exit, last_lines, supervised, wait
from ..base.processes.posix import end_group
from ..base.scratch import scratch_folder
from ..types.answers import Event, Refusal, Turn, TurnsAnswer
from .answers import SpoiltError, Value, checked, parse
from .launch import LONGEST_MESSAGE, ThisMachine, launch_files, start

LAUNCH = {"warmup_min_iterations": 5, "warmup_min_s": 0.2, "max_s": 1.2}
TURN = {"min_iterations": 2, "min_s": 0.02}
TURNS = 20
"""Turns of each artifact in a round. More rounds tell more than longer ones, since launches differ."""
LAUNCH_S = 120.0
"""For one to load and warm up, and for one turn."""


class TakerError(Exception):
    """An artifact that does not run; the message says why."""


@dataclass
class Taken:
    """The result of one artifact in a round.

    Attributes:
        answer: the agent's to ``turns``; None until the last turn is over.
        turns_ns: nanoseconds of the inferences of each turn.
    """

    answer: TurnsAnswer | None = None
    turns_ns: list[list[int]] = field(default_factory=list)


class Taker:
    """The process of one artifact."""

    def __init__(self, child: subprocess.Popen[bytes], listener: Listener, limit_s: float) -> None:
        self.child, self.listener, self.limit_s = child, listener, limit_s

    def read(self) -> Value | Turn | Event:
        """Its next message, which is no refusal.

        Raises:
            TakerError: it said what is wrong, talked nonsense, or ended, or the time is over.
        """
        try:
            line = self.listener.line(time.monotonic() + self.limit_s)
            said = parse(line) if line else None
        except (SpoiltError, ExcessError) as error:
            raise TakerError(f"the agent {error}") from error
        if said is None:
            code = None if line is None else wait(self.child, 10.0)
            self.child.kill()
            wait(self.child)
            raise TakerError(
                f"{describe_exit(code, self.limit_s)}\n{last_lines(visible(self.listener.said()))}".rstrip()
            )
        if isinstance(said, Refusal):
            raise TakerError(visible(said.message[:LONGEST_MESSAGE]))
        return said

    def ready(self) -> None:
        """Wait until it is loaded and warm.

        Raises:
            TakerError: as :meth:`read`, or it says something else.
        """
        said = self.read()
        if not isinstance(said, Event):
            raise TakerError("the agent answered before it was asked for a turn")

    def turn(self, limits: Mapping[str, Any]) -> list[int]:
        """Nanoseconds of the inferences of one turn.

        Raises:
            TakerError: it does not run any more, or says something else.
        """
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):  # it has ended; what is left to read says why
            self.child.stdin.write(json.dumps(limits).encode() + b"\n")
            self.child.stdin.flush()
        said = self.read()
        if not isinstance(said, Turn) or len(said.samples_ns) < int(limits["min_iterations"]):
            raise TakerError(f"the agent was asked for a turn of {limits['min_iterations']} inferences or more, and "
                             "answered something else")  # fmt: skip
        return list(said.samples_ns)

    def finish(self, request: Mapping[str, Any]) -> TurnsAnswer:
        """The agent's answer to ``request`` about all turns.

        Raises:
            TakerError: it has none, or one that does not fit.
        """
        self.hang_up()
        said = self.read()
        if not isinstance(said, Value):
            raise TakerError("the agent took a turn that nobody asked for")
        try:
            answer = checked({**request, "command": "turns"}, said.value)
        except SpoiltError as error:
            raise TakerError(f"the agent {error}") from error
        assert isinstance(answer, TurnsAnswer), "the type that the command has"
        return answer

    def hang_up(self) -> None:
        """Close its stdin. What a dead one did not take is dropped: closing would try to write it once more."""
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):
            self.child.stdin.close()


@contextmanager
def taker(request: Mapping[str, Any], limit_s: float, machine: ThisMachine) -> Iterator[Taker]:
    """A process of this machine that carries out ``request``, an agent's ``turns``; ended with the block."""
    with scratch_folder() as folder:
        agent, file = launch_files(folder, {**request, "command": "turns"})
        child = start(machine.command(str(agent), str(file)), folder)
        with supervised(child):
            listener = Listener(child)
            one = Taker(child, listener, limit_s)
            try:
                yield one
            finally:
                end_group(child.pid)
                one.hang_up()
                listener.close()


def by_turns(
    requests: Mapping[str, Mapping[str, Any]],
    order: random.Random,
    turns: int = TURNS,
    limits: Mapping[str, Any] | None = None,
    limit_s: float = LAUNCH_S,
    machine: ThisMachine | None = None,
) -> tuple[dict[str, Taken], dict[str, str]]:
    """Load all, one after another, and let them run in turn, in another random order each time.

    Args:
        requests: the agent's ``bench`` requests by name, in the order of loading.
        order: the source of the orders.
        turns: of each artifact.
        limits: of a turn: ``min_s`` and ``min_iterations``; ``TURN`` when None.
        limit_s: for one to load and warm up, and for one turn.
        machine: whose interpreter runs them; the one of edgekit when None.

    Returns:
        What each did, by name; and why others failed, by name.
    """
    ready: dict[str, tuple[Taker, Taken]] = {}
    errors: dict[str, str] = {}
    with ExitStack() as stack:
        for name, request in requests.items():
            one = stack.enter_context(taker(request, limit_s, machine or ThisMachine()))
            try:
                one.ready()
                ready[name] = (one, Taken())
            except TakerError as failure:
                errors[name] = str(failure)
        for number in range(turns + 1):
            for name in shuffled(list(ready), order):
                one, taken = ready[name]
                try:
                    if number < turns:
                        taken.turns_ns.append(one.turn(limits or TURN))
                    else:
                        taken.answer = one.finish(requests[name])
                except TakerError as failure:
                    errors[name] = str(failure)
                    del ready[name]
    return {name: taken for name, (_, taken) in ready.items()}, errors


def shuffled(names: Sequence[str], order: random.Random) -> list[str]:
    """The names in random order."""
    return order.sample(names, len(names))


def log_ratio(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> float:
    """``ln(first / second)`` of a round: of the medians of every two turns side by side, the median."""
    turns = zip(first, second, strict=True)
    return statistics.median(math.log(statistics.median(one) / statistics.median(other)) for one, other in turns)
