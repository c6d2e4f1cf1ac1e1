"""Questions answered by rounds: on a scripted device the truth is known; on this machine it really runs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.artifacts.store import read_manifest
from edgekit.bench.choice import RESOLUTION, Question, compare, speed
from edgekit.bench.launch import ThisMachine
from edgekit.bench.paired import Contender
from edgekit.bench.session import Limits, Session
from edgekit.types import Artifact, Device, Measurement, Ratio, Stored, Verdict

LOCAL = Device(id="local", transport="local")
SHORT = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=10, min_s=0.0, max_s=0.2)


@dataclass(frozen=True)
class Scripted(Session):
    """A device on which every contender takes a known time, times what the machine does and a launch's own noise."""

    pattern: Measurement | None = None
    times_ms: dict[str, float] = field(default_factory=dict)
    noise: float = 0.01
    throttled: tuple[int, ...] = ()
    load: float = 1.0
    launched: list[str] = field(default_factory=list)
    source: random.Random = field(default_factory=lambda: random.Random(7))

    def latency(self, stored, progress=None):
        assert self.pattern is not None
        name = stored.folder.name
        busy = 1 + 0.3 * (len(self.launched) // len(self.times_ms) % 3)
        ms = self.times_ms[name] * busy * (1 + self.source.gauss(0, self.noise))
        self.launched.append(name)
        verdict = Verdict(name="throttled" if len(self.launched) in self.throttled else "stable")
        state = self.pattern.state_before.model_copy(update={"load_1m": self.load})
        changes = {"samples_ns": (int(ms * 1e6),) * 3, "verdict": verdict, "state_before": state}
        return self.pattern.model_copy(update=changes)


@pytest.fixture(scope="module")
def real() -> Measurement:
    """A measurement to take all but the samples from."""
    folder = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "onnx-fp32"
    return Session(ThisMachine(), LOCAL, limits=SHORT).latency(read_manifest(folder))


def entered(tiny: Path, *names: str) -> list[Contender]:
    artifact = Artifact.model_validate_json((tiny / "onnx-fp32" / "manifest.json").read_text())
    return [Contender(name, Stored(Path(name), artifact)) for name in names]


def scripted(real: Measurement, times_ms: dict[str, float], **more) -> Scripted:
    return Scripted(ThisMachine(), LOCAL, pattern=real, times_ms=times_ms, **more)


def test_the_truth_is_found_at_the_first_look(tiny, real):
    session = scripted(real, {"base": 10.0, "fast": 8.0, "slow": 12.0})
    questions = [Question("base", "fast"), Question("base", "slow")]
    found = compare(session, entered(tiny, "base", "fast", "slow"), questions, looks=(10, 20))
    assert [found.speed(q) for q in questions] == ["faster", "slower"]
    assert found.ratios[questions[0]].ratio == pytest.approx(1.25, rel=0.02)
    assert found.confidence == pytest.approx(1 - 0.05 / 4)
    assert len(found.rounds) == 10
    assert found.p50_ms("fast") < found.p50_ms("base") < found.p50_ms("slow")


def test_the_slower_one_leaves_and_the_undecided_one_goes_on(tiny, real):
    session = scripted(real, {"base": 10.0, "same": 10.0, "slow": 20.0}, noise=0.15)
    questions = [Question("base", "same"), Question("base", "slow")]
    found = compare(session, entered(tiny, "base", "same", "slow"), questions, looks=(10, 20))
    assert session.launched.count("slow") == 10
    assert session.launched.count("base") == session.launched.count("same") == 20
    assert found.speed(questions[0]) == "undecided"
    assert found.speed(questions[1]) == "slower"


def test_who_may_not_leave_stays(tiny, real):
    session = scripted(real, {"float": 10.0, "int8": 20.0, "other": 20.0}, noise=0.15)
    questions = [Question("float", "int8", may_leave=False), Question("int8", "other")]
    compare(session, entered(tiny, "float", "int8", "other"), questions, looks=(10, 20))
    assert session.launched.count("int8") == session.launched.count("float") == 20


def test_a_bound_other_than_one(tiny, real):
    contenders = entered(tiny, "float", "int8")
    for bound, answer in ((1.0, "faster"), (1.4, "faster"), (1.6, "slower")):
        session = scripted(real, {"float": 15.0, "int8": 10.0})
        question = Question("float", "int8", bound, may_leave=False)
        assert compare(session, contenders, [question]).speed(question) == answer


def test_throttled_rounds_are_dropped_whole(tiny, real):
    session = scripted(real, {"base": 10.0, "other": 8.0}, throttled=(1, 4))
    found = compare(session, entered(tiny, "base", "other"), [Question("base", "other")], looks=(10,))
    assert found.dropped == 2
    assert len(found.rounds) == 8


def test_nothing_is_decided_on_an_overloaded_device(tiny, real):
    question, cores = Question("base", "other"), real.info.cores
    for load, answer in ((cores + 1.0, "faster"), (cores + 1.1, "undecided")):
        session = scripted(real, {"base": 10.0, "other": 5.0}, load=load)
        found = compare(session, entered(tiny, "base", "other"), [question], looks=(5, 6))
        assert found.speed(question) == answer
        assert bool(found.overload) == (answer == "undecided")
    assert found.overload == f"{cores + 1.1:.1f} runnable tasks on {cores} cores"


def test_nothing_is_decided_when_every_round_was_throttled(tiny, real):
    session = scripted(real, {"base": 10.0, "other": 8.0}, throttled=tuple(range(100)))
    question = Question("base", "other")
    found = compare(session, entered(tiny, "base", "other"), [question], looks=(5, 6))
    assert found.dropped == 6
    assert found.speed(question) == "undecided"
    assert found.ratio("base", "other") is None
    assert found.p50_ms("base") is None


def test_equals_are_seldom_called_different(tiny, real):
    """The whole procedure, both looks, on two that are the same: at most half the stated share on either side."""
    names = ("base", "same")
    contenders, question = entered(tiny, *names), Question("base", "same")
    source, called = random.Random(1), 0
    for _ in range(300):
        session = Scripted(
            ThisMachine(),
            LOCAL,
            pattern=real,
            times_ms=dict.fromkeys(names, 10.0),
            noise=0.03,
            launched=[],
            source=source,
        )
        called += compare(session, contenders, [question]).speed(question) == "faster"
    assert called <= 0.025 * 300 + 4  # two standard deviations on top


def test_on_this_machine_a_network_is_no_slower_than_itself(tiny):
    stored = read_manifest(tiny / "onnx-fp32")
    contenders = [Contender(name, stored) for name in ("a", "b")]
    session = Session(ThisMachine(), LOCAL, limits=SHORT)
    found = compare(session, contenders, [Question("a", "b")], looks=(5,))
    assert len(found.rounds) == 5
    assert found.ratio("a", "b") == found.ratios[Question("a", "b")]


@given(st.floats(0.1, 10), st.floats(0.0, 0.5), st.floats(0.0, 0.5), st.sampled_from([0.8, 1.0, 1.5]))
def test_what_an_interval_says(ratio, below, above, bound):
    found = Ratio(ratio=ratio, low=ratio * (1 - below), high=ratio * (1 + above), pairs=10)
    answer = speed(found, bound)
    assert (answer == "faster") == (found.low > bound)
    assert (answer == "slower") == (found.high < bound)
    if answer == "no faster":
        assert found.low <= bound <= found.high <= bound * (1 + RESOLUTION)
    if answer == "undecided":
        assert found.low <= bound < found.high
