"""Several artifacts loaded at once, each in a process of its own, that run by turns of some twenty milliseconds.

What slows the machine for a second (a neighbour, the clock) meets all of them alike, where launches one after another
each meet another second: duet benchmarking (Bulej et al. 2020, doi:10.1145/3358960.3379132), but in turn, as the caches
and the memory bus are shared. Only one runs at a time; the others wait for a line on their stdin.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from edgekit.base.isolate import describe_exit, supervised, tail, wait

from .places import ROOT

TAKER = "benchmarks.turn_taker"


class TakerError(Exception):
    """An artifact that does not run; the message says why."""


class Taker:
    """The process of one artifact."""

    def __init__(self, child: subprocess.Popen[bytes], log: Path, limit_s: float) -> None:
        self.child, self.log, self.limit_s = child, log, limit_s

    def read(self) -> dict[str, Any]:
        """Its next line.

        Raises:
            TakerError: it said what is wrong, or ended, or the time is over.
        """
        assert self.child.stdout is not None
        begin = time.monotonic()
        alarm = threading.Timer(self.limit_s, self.child.kill)
        alarm.start()
        line = self.child.stdout.readline()
        alarm.cancel()
        if not line:
            over = time.monotonic() - begin >= self.limit_s
            code = None if over else wait(self.child, 10.0)
            raise TakerError(f"{describe_exit(code, self.limit_s)}\n{tail(self.log)}".rstrip())
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise TakerError(said["error"])
        return said

    def turn(self, limits: Mapping[str, Any]) -> list[int]:
        """Nanoseconds of the inferences of one turn.

        Raises:
            TakerError: it does not run any more.
        """
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):  # it has ended; what is left to read says why
            self.child.stdin.write(json.dumps(limits).encode() + b"\n")
            self.child.stdin.flush()
        return list(self.read()["samples_ns"])


@contextmanager
def taker(request: Mapping[str, Any], limit_s: float) -> Iterator[Taker]:
    """A process that carries out ``request``, an agent's ``bench``, by turns; ended with the block."""
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        file, log = Path(folder, "request.json"), Path(folder, "stderr.txt")
        file.write_text(json.dumps(request))
        with log.open("wb") as stderr:
            child = subprocess.Popen(
                [sys.executable, "-m", TAKER, str(file)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        with supervised(child), child:
            try:
                yield Taker(child, log, limit_s)
            finally:
                child.kill()


def by_turns(
    requests: Mapping[str, Mapping[str, Any]],
    order: random.Random,
    turns: int,
    limits: Mapping[str, Any],
    limit_s: float,
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Load all, one after another, and let them run in turn, in another random order each time.

    Args:
        requests: the agent's ``bench`` requests by name, in the order of loading.
        order: the source of the orders.
        turns: of each artifact.
        limits: of a turn: ``min_s`` and ``min_iterations``.
        limit_s: for one to load and warm up, and for one turn.

    Returns:
        What each told when it was ready with ``turns_ns``, the samples of each of its turns, by name; and why others
        failed, by name.
    """
    ready: dict[str, tuple[Taker, dict[str, Any]]] = {}
    errors: dict[str, str] = {}
    with ExitStack() as stack:
        for name, request in requests.items():
            one = stack.enter_context(taker(request, limit_s))
            try:
                ready[name] = (one, {**one.read(), "turns_ns": []})
            except TakerError as failure:
                errors[name] = str(failure)
        for _ in range(turns):
            for name in shuffled(list(ready), order):
                one, told = ready[name]
                try:
                    told["turns_ns"].append(one.turn(limits))
                except TakerError as failure:
                    errors[name] = str(failure)
                    del ready[name]
    return {name: told for name, (_, told) in ready.items()}, errors


def shuffled(names: Sequence[str], order: random.Random) -> list[str]:
    """The names in random order."""
    return order.sample(names, len(names))
