"""From counts to cycles: a model of what a core does in a cycle. An estimate; ``docs/explanation/counting.md`` says
where it fails.

    vector = fma x fma_slots / pipes + dot x dot_slots / pipes
             + max(multiplications / multiply_pipes, (multiplications + other SIMD) / pipes)
    cycles = max(vector, (loads + stores) / memory, instructions / issue) + misses of each level x their cycles
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from ..types import Counts, Estimate


@dataclass(frozen=True)
class Core:
    """Parameters of a core; ``cores.toml`` says what each means."""

    vector_pipes: int
    fma_slots: int
    dot_slots: int
    multiply_pipes: int
    memory: int
    issue: int
    miss_cycles: tuple[float, ...]
    source: str
    error: str


@cache
def cores() -> dict[str, Core]:
    """The cores that are modelled, by QEMU's name."""
    text = (files(__package__) / "cores.toml").read_text(encoding="utf-8")
    return {
        name: Core(**{**entry, "miss_cycles": tuple(entry["miss_cycles"])})
        for name, entry in tomllib.loads(text).items()
    }


def work_cycles(counts: Counts, core: Core) -> dict[Literal["vector", "memory", "issue"], float]:
    """Cycles that each part of the core needs for the counts, were nothing missing in the caches."""
    pipes = core.vector_pipes
    multiplied = max(counts.int_multiply / core.multiply_pipes, (counts.int_multiply + counts.simd) / pipes)
    return {
        "vector": (counts.fma * core.fma_slots + counts.dot * core.dot_slots) / pipes + multiplied,
        "memory": (counts.loads + counts.stores) / core.memory,
        "issue": counts.instructions / core.issue,
    }


def miss_cycles(counts: Counts, core: Core) -> float:
    """Cycles of the cache misses: each miss pays for the level that answers it."""
    misses = counts.cache_misses
    answered = [here - further for here, further in zip(misses, (*misses[1:], 0), strict=True)]
    return sum(max(0, count) * cost for count, cost in zip(answered, core.miss_cycles, strict=False))


def estimate(counts: Counts, core: Core, clock_mhz: int) -> Estimate:
    """What the model makes of the counts of one inference."""
    work = work_cycles(counts, core)
    bound = max(work, key=lambda part: work[part])
    missed = miss_cycles(counts, core)
    cycles = work[bound] + missed
    return Estimate(
        cycles=cycles, clock_mhz=clock_mhz, bound=bound, miss_share=missed / cycles if cycles else 0.0, error=core.error
    )
