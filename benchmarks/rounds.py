"""Latencies in rounds: every artifact of a network and runtime in a fresh process, then all of them by turns.

A round of one network and runtime launches its contenders (plain and edgekit, fp32 and int8, and in ONNX Runtime plain
int8 with unsigned activations) and lets them run by turns of some twenty milliseconds (:mod:`edgekit.bench.turns`), so
that every ratio between them is paired turn by turn. Launches differ too: the interval is that of rounds. They go over
all networks before they come back to the first; when each has the least number, the network whose ratios are least
certain is next, until all are narrow or the time is over. Each round is a line of a file as soon as it is done, so that
a run that was stopped can go on.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgekit.base.files import write_atomic
from edgekit.base.stats import MIN_PAIRS, trimmed_ratio
from edgekit.bench.turns import LAUNCH, Taken, by_turns, log_ratio, shuffled
from edgekit.types import RUNTIME_OF, Format

Round = dict[str, Any]
Pair = tuple[str, str]

DECISIVE: tuple[Pair, ...] = (
    ("plain-fp32", "edgekit-fp32"),
    ("plain-int8", "edgekit-int8"),
    ("edgekit-fp32", "edgekit-int8"),
)
"""The ratios that have to become certain, first by second: above 1 = the second is faster."""
ATTEMPTS = 2
"""An artifact that failed to run so often is out."""


@dataclass
class Block:
    """One network on one runtime: who takes part, and what has been measured."""

    model: str
    format: Format
    contenders: dict[str, tuple[Path, str]]
    """Model file and its digest, by name."""
    rounds: list[Round] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def able(self) -> list[str]:
        """The contenders that still run."""
        return [name for name in self.contenders if len(self.errors.get(name, [])) < ATTEMPTS]

    def width(self) -> float:
        """The widest relative half-width among the decisive ratios; infinite when one has too few rounds."""
        alive = self.able()
        asked = [pair for pair in DECISIVE if pair[0] in alive and pair[1] in alive]
        return max((half_width(self.rounds, pair) for pair in asked), default=0.0)


def logs(rounds: Sequence[Round], pair: Pair) -> list[float]:
    """``ln(first / second)`` of every round that has both: the median over its turns."""
    both = [r["launches"] for r in rounds if pair[0] in r["launches"] and pair[1] in r["launches"]]
    return [log_ratio(launches[pair[0]]["turns_ns"], launches[pair[1]]["turns_ns"]) for launches in both]


def median_ns(launch: dict[str, Any]) -> float:
    """Median latency of one launch."""
    return float(statistics.median(ns for turn in launch["turns_ns"] for ns in turn))


def half_width(rounds: Sequence[Round], pair: Pair) -> float:
    """Half of the ratio's interval, relative; infinite with too few rounds."""
    found = logs(rounds, pair)
    if len(found) < MIN_PAIRS:
        return math.inf
    _, low, high = trimmed_ratio(found)
    return math.sqrt(high / low) - 1


@dataclass(frozen=True)
class Plan:
    """How long to go on.

    Attributes:
        target: relative half-width at which a ratio is certain enough.
        budget_s: for all rounds together.
    """

    threads: int = 1
    min_rounds: int = MIN_PAIRS
    max_rounds: int = 20
    target: float = 0.02
    budget_s: float = 2400.0
    seed: int = 0


def measure(blocks: Sequence[Block], plan: Plan, keep: Callable[[Round], None], say: Callable[[str], None]) -> None:
    """Measure round after round; each is given to ``keep`` and added to its block."""
    order = random.Random(plan.seed)  # noqa: S311 - a shuffle, no secret
    begin = time.monotonic()
    for block in schedule(blocks, plan, order):
        if time.monotonic() - begin > plan.budget_s:
            unsure = sum(block.width() > plan.target for block in blocks)
            say(f"the time is over; {unsure} of {len(blocks)} networks and runtimes are not sure to {plan.target:.0%}")
            return
        done = one_round(block, plan, order)
        keep(done)
        block.rounds.append(done)
        for name, error in done["errors"].items():
            block.errors.setdefault(name, []).append(error)
        say(f"{block.model} {block.format}: round {len(block.rounds)}, {describe(block.width())}")


def describe(width: float) -> str:
    """A half-width in words."""
    return "no interval yet" if math.isinf(width) else f"ratios to {width:.1%}"


def schedule(blocks: Sequence[Block], plan: Plan, order: random.Random) -> Iterator[Block]:
    """Whose turn it is: everyone up to the least number of rounds, then the least certain first."""
    for number in range(plan.min_rounds):
        behind = [block for block in blocks if len(block.rounds) <= number and block.able()]
        order.shuffle(behind)
        yield from behind
    while True:
        open_ = [b for b in blocks if b.able() and len(b.rounds) < plan.max_rounds and b.width() > plan.target]
        if not open_:
            return
        yield max(open_, key=Block.width)


def one_round(block: Block, plan: Plan, order: random.Random) -> Round:
    """A fresh process for every contender, loaded in random order, then turns."""
    names = shuffled(block.able(), order)
    requests = {
        name: {
            "runtime": RUNTIME_OF[block.format],
            "model": str(block.contenders[name][0].resolve()),
            "threads": plan.threads,
            **LAUNCH,
        }
        for name in names
    }
    taken, errors = by_turns(requests, order)
    return {
        "model": block.model,
        "format": block.format,
        "unix_time": round(time.time(), 1),
        "order": names,
        "launches": {name: launch_of(one, block.contenders[name][1]) for name, one in taken.items()},
        "errors": errors,
    }


def launch_of(taken: Taken, digest: str) -> dict[str, Any]:
    """What is kept of one artifact's part in a round."""
    answer = taken.answer
    assert answer is not None, "its last turn is over"
    return {
        "sha256": digest,
        "load_ns": answer.load_ns,
        "first_inference_ns": answer.first_inference_ns,
        "warmup_count": len(answer.warmup_ns),
        "load_1m": answer.state_before.load_1m,
        "clock_khz": answer.state_before.clock_khz,
        "turns_ns": taken.turns_ns,
    }


def environment(facts: Any) -> str:
    """Digest of the conditions under which rounds may stand beside each other."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


# The file ------------------------------------------------------------------------------------------------------------


def append(path: Path, entry: Round, environment: str) -> None:
    """Add a round, with the digest of the conditions that it belongs to."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"environment": environment, **entry}, separators=(",", ":")) + "\n")
        stream.flush()


def resume(path: Path, blocks: Sequence[Block], environment: str) -> int:
    """Give the blocks the rounds of the same artifacts under the same conditions; how many there were.

    The file is written anew with these alone; a line that was cut off when the run was killed goes.
    """
    by_name = {(block.model, block.format): block for block in blocks}
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        block = by_name.get((entry["model"], entry["format"]))
        if block is not None and entry.pop("environment") == environment and fits(entry, block):
            block.rounds.append(entry)
            kept.append(line)
    write_atomic(path, "".join(f"{line}\n" for line in kept))
    return len(kept)


def fits(entry: Round, block: Block) -> bool:
    """True when every launch of a round was of an artifact that the block still has."""
    now = {name: digest for name, (_, digest) in block.contenders.items()}
    return all(now.get(name) == launch["sha256"] for name, launch in entry["launches"].items())
