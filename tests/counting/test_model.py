from __future__ import annotations

import pytest

from edgekit.counting.model import cores, estimate, miss_cycles, work_cycles
from edgekit.devices.virtual.simulated import SIMULATED
from edgekit.types import Counts


def counts(**given: int) -> Counts:
    names = ("instructions", "fma", "dot", "int_multiply", "simd", "loads", "stores", "branches", "bytes_loaded",
             "bytes_stored")  # fmt: skip
    given.setdefault("instructions", 1)
    return Counts(**{name: given.get(name, 0) for name in names}, cache_misses=given.get("cache_misses", (0, 0)))


def test_every_simulated_board_has_a_core_with_a_cost_for_each_of_its_caches() -> None:
    for board in SIMULATED.values():
        core = cores()[board.cpu]
        assert len(core.miss_cycles) == sum(kind != "Instruction" for _, kind, _, _ in board.caches)
        assert core.source
        assert core.error


def test_an_a72_computes_one_vector_multiply_accumulate_a_cycle_and_an_a76_two() -> None:
    work = counts(instructions=1000, fma=900)
    assert work_cycles(work, cores()["cortex-a72"])["vector"] == 900
    assert work_cycles(work, cores()["cortex-a76"])["vector"] == 450


def test_integer_multiplications_have_a_pipe_of_their_own_and_share_the_others() -> None:
    a72 = cores()["cortex-a72"]
    assert work_cycles(counts(int_multiply=100), a72)["vector"] == 100
    assert work_cycles(counts(int_multiply=100, simd=60), a72)["vector"] == 100
    assert work_cycles(counts(int_multiply=100, simd=300), a72)["vector"] == 200


def test_the_longest_part_bounds_and_misses_come_on_top() -> None:
    a72 = cores()["cortex-a72"]
    memory = counts(instructions=300, loads=200, stores=50, cache_misses=(10, 4))
    made = estimate(memory, a72, 1800)
    assert (made.bound, made.cycles) == ("memory", 250 + 6 * 9 + 4 * 30)
    assert made.miss_share == pytest.approx(174 / 424)
    assert made.latency_ms == pytest.approx(424 / 1.8e6)
    assert estimate(counts(instructions=900), a72, 1800).bound == "issue"
    assert estimate(counts(instructions=900, fma=400), a72, 1800).bound == "vector"


def test_a_miss_pays_for_the_level_that_answers_it() -> None:
    assert miss_cycles(counts(cache_misses=(100, 30, 10)), cores()["cortex-a76"]) == 70 * 9 + 20 * 30 + 10 * 30
