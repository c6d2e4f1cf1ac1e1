"""The engine on a device that answers what the test wants: a real machine is not noisy, hot or gone on demand."""

from __future__ import annotations

import importlib.util
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from edgekit.artifacts.store import read_manifest
from edgekit.bench.answers import AnswerError, first_problem
from edgekit.bench.launch import Kind, ThisMachine
from edgekit.bench.session import Limits, Session
from edgekit.gate.engine import BROKEN, run_gate, settle
from edgekit.gate.pairs import Pairing, Role, orders
from edgekit.types import Artifact, Conditions, Device, GateResult, GateRule, Stored
from edgekit.types.answers import COMMAND_OF, GuardAnswer

BOARD = Device(id="board", transport="ssh", address="board")
LIMITS = Limits(max_s=1.0, launch_s=20.0)
STAND_IN = Path(__file__).parent.parent / "data" / "device" / "stand_in.py"


def load_stand_in() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stand_in", STAND_IN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stand_in_device = load_stand_in()


class Scripted(Pairing):
    """A pairing that asks the stand-in without starting a process for each answer."""

    script: ClassVar[dict[str, Any]] = {}
    counts: ClassVar[Counter[str]] = Counter()

    def ask(self, answer: type[Kind], role: Role, **more: Any) -> Kind:
        command = COMMAND_OF[answer]
        count = self.counts[command]
        self.counts[command] += 1
        plain = {**stand_in_device.plain(command, count), **stand_in_device.chosen(self.script, command, count)}
        try:
            return answer.from_plain(plain)
        except ValidationError as error:  # as what hears the agent does
            raise AnswerError(f"the agent answered what does not fit this edgekit: {first_problem(error)}") from None

    def ask_device(self) -> GuardAnswer:
        return self.ask(GuardAnswer, "baseline")


@pytest.fixture
def stored(tiny: Path) -> Stored:
    return read_manifest(tiny / "tflite-fp32")


def draft(artifact: Artifact, **changes: object) -> GateResult:
    plain = GateResult(
        model="tiny", profile="tflite-fp32", runtime="litert", threads=1, device=BOARD, baseline="old", candidate="new",
        baseline_sha256=artifact.sha256, candidate_sha256=artifact.sha256, status="BROKEN_OFF", reason=BROKEN,
        rule=GateRule(), seed=1, started_at="2030-01-02T03:04:05+00:00", edgekit_version="0",
    )  # fmt: skip
    return plain.model_copy(update=changes)


class Run:
    """A gate on a stand-in, and what it kept on the way."""

    def __init__(self, stored: Stored, pairing: Pairing) -> None:
        self.pairing = pairing
        self.artifact = stored.artifact
        self.kept: list[GateResult] = []

    def __call__(self, pinned: Conditions | None = None, plumbing: bool = False, **changes: object) -> GateResult:
        return run_gate(draft(self.artifact, **changes), self.pairing, pinned, plumbing, self.kept.append)


Make = Callable[..., Run]


@pytest.fixture
def gate(stored: Stored) -> Make:
    """A gate on a scripted device, in this process."""

    def build(**script: Any) -> Run:
        pairing = Scripted(Session(ThisMachine(), BOARD, limits=LIMITS), {"baseline": stored, "candidate": stored})
        pairing.script, pairing.counts = script, Counter()  # type: ignore[misc]
        return Run(stored, pairing)

    return build


@pytest.fixture
def far_gate(stored: Stored, stand_in: Callable[..., ThisMachine]) -> Make:
    """A gate on a scripted device that is a process of its own for each launch, and can die."""

    def build(limits: Limits = LIMITS, **script: Any) -> Run:
        session = Session(stand_in(**script), BOARD, limits=limits)
        return Run(stored, Pairing(session, {"baseline": stored, "candidate": stored}))

    return build


def launches(candidate: float, pairs: int = 20, seed: int = 1, noise: float = 0.002) -> list[dict[str, Any]]:
    """What each launch answers in the order of the seed: the candidate ``candidate`` times the baseline."""
    order, answers = orders(seed), []
    for number in range(pairs):
        sides = [1.0, candidate * (1 + noise * math.sin(number))]
        if next(order):
            sides.reverse()
        answers += [{"samples_ns": [round(1e6 * side)] * 50} for side in sides]
    return answers


# Verdicts


def test_equal_artifacts_pass_at_the_first_look(gate: Make) -> None:
    run = gate(bench=launches(1.0))
    result = run()
    assert result.status == "PASS"
    assert len(result.pairs) == len(result.kept) == 8
    assert result.reason.startswith("proven to be slower by less than 3.0%: +0.0%")
    assert [len(kept.pairs) for kept in run.kept] == list(range(1, 9))
    assert {kept.status for kept in run.kept} == {"BROKEN_OFF"}  # until there is a verdict there is none
    assert result.p50_ms("baseline") == pytest.approx(1.0)


def test_both_orders_are_equally_frequent_at_every_look(gate: Make) -> None:
    result = gate(bench=launches(1.0))()
    assert sum(pair.candidate_first for pair in result.pairs) == 4
    for seed in range(50):
        order = orders(seed)
        assert sum(next(order) for _ in range(20)) == 10
    assert len({tuple(next(order) for _ in range(8)) for order in map(orders, range(50))}) > 10


def test_a_slower_candidate_fails(gate: Make) -> None:
    result = gate(bench=launches(1.05))()
    assert result.status == "FAIL"
    assert result.looks[-1].ratio == pytest.approx(1.05, abs=0.003)
    assert result.reason.startswith("slower by more than 1.0%: +5.0%")
    assert result.p_slower < 0.025


def test_a_faster_candidate_passes(gate: Make) -> None:
    assert gate(bench=launches(0.5))().status == "PASS"


def test_noise_ends_without_a_verdict(gate: Make) -> None:
    result = gate(bench=launches(1.0, noise=0.5))()
    assert result.status == "INCONCLUSIVE"
    assert [look.pairs for look in result.looks] == [8, 14, 20]
    assert "is proven" in result.reason


# Devices and clocks that cannot be trusted


def test_dropped_pairs_are_taken_again(gate: Make) -> None:
    hot = {"sentinel_ns": 1_000_000}, {"sentinel_ns": 1_300_000}
    run = gate(bench=launches(1.0, 30), guard=[hot[0], hot[0], hot[1], *[hot[0]] * 30])
    result = run()
    assert result.status == "PASS"
    assert [pair.number for pair in result.pairs if pair.dropped] == [2, 3]
    assert len(result.kept) == 8
    assert "took 1.30 times its first run" in result.pairs[1].dropped


def test_a_hot_device_proves_nothing_whatever_the_ratios_say(gate: Make) -> None:
    result = gate(bench=launches(2.0), guard=[{}, {"sentinel_ns": 1_200_000}])()
    assert (result.status, result.exit_code) == ("INCONCLUSIVE", 4)
    assert len(result.pairs) == 6  # a seventh good one could not save it
    assert result.looks == ()
    assert "6 of 6 pairs were disturbed" in result.reason
    assert "sentinel" in result.reason


def contended(waited_ns: int, others_ns: int = 0) -> dict[str, Any]:
    """A launch of one second on one CPU beside others."""
    told = {"measured_ns": 10**9, "cpus": 1, "waited_ns": waited_ns, "others_ns": others_ns}
    return {"contention": told}


def test_pairs_beside_a_neighbour_are_measured_again(gate: Make) -> None:
    answers = [one | contended(0) for one in launches(1.0, 30)]
    answers[2] |= contended(200_000_000)
    result = gate(bench=answers)()
    assert result.status == "PASS"
    assert [pair.number for pair in result.pairs if pair.disturbed] == [2]
    assert "waited for a CPU 20% of the time, above 5%" in result.pairs[1].dropped
    assert len(result.kept) == 8


def test_no_pass_from_disturbed_pairs_even_after_the_correction(gate: Make) -> None:
    """Eight clean pairs among the six disturbed ones would pass; they are too few of all."""
    clean, busy = contended(0), contended(0, 700_000_000)
    sides = [clean, busy, *[clean] * 4] * 10  # of each three pairs one has a neighbour beside one of its launches
    answers = [one | how for one, how in zip(launches(1.0, 30), sides, strict=True)]
    alone = gate(bench=answers)()
    assert (alone.status, alone.exit_code) == ("INCONCLUSIVE", 4)
    assert alone.looks
    assert alone.looks[-1].high < 1.03
    assert "the load changed within the pair: others used" in alone.reason
    assert settle([alone]) == [alone]


def test_a_launch_that_the_device_held_back_disturbs_its_pair(gate: Make) -> None:
    answers = launches(1.0, 30)
    hot = {"unix_time": 1003.0, "load_1m": 0.1, "throttled": ["throttled"]}
    answers[3] |= {"state_after": hot}
    result = gate(bench=answers)()
    (lost,) = (pair for pair in result.pairs if pair.dropped)
    assert lost.disturbed
    assert "the device reports throttled" in lost.dropped


def test_too_many_dropped_at_a_look_decides_nothing_there(gate: Make) -> None:
    # Five dropped at first, then good ones: 5 of 13 at the first look, 5 of 19 at the second, 5 of 25 at the last.
    guards = [{}, *[{"sentinel_ns": 1_200_000}] * 4, *[{}] * 40]
    answers = [{"samples_ns": [1_000_000] * 50}] * 10 + launches(1.05, 30)
    result = gate(bench=answers, guard=guards)(seed=1)
    assert len(result.pairs) - len(result.kept) == 5
    assert [look.pairs for look in result.looks] == [8, 14, 20]
    assert len(result.pairs) == 25


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"samples_ns": [1000]}, "1 sample, fewer than 2"),
        ({"load_ns": 10**12}, "the clock jumped: 1000.0 s of work in 0.0 s of wall time"),
    ],
)
def test_bad_samples_and_clocks_are_invalid_never_a_verdict(gate: Make, answer: dict[str, Any], words: str) -> None:
    result = gate(bench=[answer])()
    assert (result.status, result.exit_code) == ("INVALID", 3)
    assert words in result.reason
    json.dumps(result.to_plain(), allow_nan=False)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "samples_ns: tuple should have at least 1 item"),
        ([1000, math.nan, 1000], "samples_ns.1: input should be"),
        ([1000, -7, 1000], "samples_ns.1: input should be greater than 0, got -7"),
    ],
)
def test_samples_that_are_none_break_it_off(gate: Make, samples: list[float], words: str) -> None:
    result = gate(bench=[{"samples_ns": samples}])()
    assert (result.status, result.exit_code) == ("BROKEN_OFF", 3)
    assert words in result.reason.lower()


def test_identical_samples_are_invalid_too(gate: Make) -> None:
    result = gate(bench=[{"samples_ns": [1000] * 50}])()
    assert (result.status, result.exit_code) == ("INVALID", 3)
    assert "do not vary at all: the clock is too coarse" in result.reason


def test_one_bad_launch_costs_one_pair(gate: Make) -> None:
    answers = launches(1.0, 30)
    answers[4] = {"samples_ns": [1_000_000]}
    result = gate(bench=answers)()
    assert result.status in ("PASS", "INCONCLUSIVE")
    assert [pair.number for pair in result.pairs if pair.dropped] == [3]


# Other conditions


def test_another_runtime_version_is_not_comparable(gate: Make) -> None:
    first = gate(bench=launches(1.0))()
    assert first.conditions is not None
    pinned = first.conditions.model_copy(update={"runtime_version": "0.9", "governor": {"cpu0": "performance"}})
    run = gate(bench=launches(2.0))
    result = run(pinned)
    assert (result.status, result.exit_code) == ("NOT_COMPARABLE", 5)
    assert {difference.key for difference in result.differences} == {"runtime_version", "governor"}
    assert 'runtime_version was "0.9" and is "1.0"' in result.reason
    assert result.pairs == ()
    assert run.kept == []


def test_the_same_conditions_compare(gate: Make) -> None:
    first = gate(bench=launches(1.0))()
    assert first.conditions is not None
    assert gate(bench=launches(1.0))(first.conditions).status == "PASS"


def test_a_runtime_that_changes_in_the_middle_is_noticed(gate: Make) -> None:
    answers = launches(2.0)
    answers[5]["runtime_version"] = "1.1"
    result = gate(bench=answers)()
    assert result.status == "NOT_COMPARABLE"
    assert 'runtime_version was "1.0" and is "1.1"' in result.reason
    assert len(result.pairs) == 3


def test_an_emulated_device_is_never_judged(gate: Make) -> None:
    script = {"guard": [{"info": {**stand_in_device.MACHINE, "emulated": True}}], "bench": launches(2.0)}
    refused = gate(**script)()
    assert (refused.status, refused.emulated, refused.pairs) == ("NOT_COMPARABLE", True, ())
    tried = gate(**script)(plumbing=True)
    assert (tried.status, tried.emulated, len(tried.pairs)) == ("NOT_COMPARABLE", True, 1)
    assert "its times mean nothing" in tried.reason


# Devices that break off


def test_a_device_that_goes_in_the_middle_breaks_off(far_gate: Make) -> None:
    run = far_gate(bench=[*launches(2.0)[:7], {"die": 0}])
    result = run()
    assert (result.status, result.exit_code) == ("BROKEN_OFF", 3)
    assert "ended with exit code 7" in result.reason
    assert len(result.pairs) == 3  # what was measured is kept
    assert len(run.kept) == 3


def test_a_device_that_hangs_breaks_off(far_gate: Make) -> None:
    result = far_gate(limits=Limits(max_s=0.1, launch_s=3.0), bench=[{"die": 60}])()
    assert result.status == "BROKEN_OFF"
    assert "3.2 s" in result.reason


@pytest.mark.parametrize("command", ["guard", "inspect"])
def test_a_device_that_cannot_be_looked_at_breaks_off(far_gate: Make, command: str) -> None:
    assert far_gate(**{command: [{"die": 0}]})().status == "BROKEN_OFF"


def test_an_agent_of_another_version_breaks_off(gate: Make) -> None:
    result = gate(bench=[{"samples_ns": None}])()
    assert result.status == "BROKEN_OFF"
    assert "does not fit this edgekit" in result.reason
    assert gate(guard=[{"sentinel_ns": "fast"}])().status == "BROKEN_OFF"
    assert gate(inspect=[{"settings": None}])().status == "BROKEN_OFF"
    assert gate(guard=[{"affinity": "all"}])().status == "BROKEN_OFF"


# Several gates


def test_holm_over_the_run(stored: Stored, gate: Make) -> None:
    suspicious = gate(bench=launches(1.0112, noise=0.001))(family=100)
    # Alone it would have failed; with 99 others it is no more than a suspicion.
    assert GateRule().alpha / 100 < suspicious.p_slower < GateRule().alpha
    assert suspicious.status == "INCONCLUSIVE"
    assert len(suspicious.pairs) == 20
    (alone,) = settle([suspicious])
    assert alone.status == "FAIL"
    with_others = settle([suspicious, *[draft(stored.artifact) for _ in range(99)]])
    assert with_others[0].status == "PASS"
    assert with_others[0].reason.startswith("proven to be slower by less than 3.0%")
    assert {other.status for other in with_others[1:]} == {"BROKEN_OFF"}
    assert settle([]) == []
