from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from edgekit.artifacts.store import read_manifest
from edgekit.bench.launch import ThisMachine
from edgekit.bench.rounds import merge
from edgekit.bench.session import Limits, Session
from edgekit.types import Device, Energy, Measurement, Verdict

STABLE = Verdict(name="stable")


@pytest.fixture(scope="module")
def launch() -> Measurement:
    """A real launch of the tiny network."""
    folder = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32"
    limits = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0)
    return Session(ThisMachine(), Device(id="local", transport="local"), limits=limits).latency(read_manifest(folder))


def of(launch: Measurement, ns: int, count: int = 100, **changes: object) -> Measurement:
    return launch.model_copy(update={"samples_ns": (ns,) * count, "verdict": STABLE, **changes})


def test_all_samples_are_kept_with_their_rounds(launch: Measurement) -> None:
    last = of(launch, 1_010_000, 150)
    found = Measurement.model_validate(merge([of(launch, 1_000_000), of(launch, 1_005_000, 50), last]).model_dump())
    assert found.rounds == (100, 50, 150)
    assert found.round_medians_ms == (1.0, 1.005, 1.01)
    assert len(found.warmup_ns) == 3 * len(launch.warmup_ns)
    assert found.state_before == launch.state_before
    assert found.state_after == last.state_after
    assert found.verdict == STABLE


def test_one_round_is_what_it_was(launch: Measurement) -> None:
    assert merge([launch]) is launch
    assert launch.rounds is None
    assert launch.round_medians_ms == ()


def test_rounds_that_differ_make_it_noisy(launch: Measurement) -> None:
    verdict = merge([of(launch, 1_000_000), of(launch, 1_030_000)]).verdict
    assert verdict.name == "noisy"
    assert verdict.reasons[0].startswith("the medians of the rounds (1, 1.03 ms) differ by 3.0%, above 2%: ")


def test_the_worst_round_counts_and_is_named(launch: Measurement) -> None:
    hot = Verdict(name="throttled", reasons=("the device reports throttled",))
    doubtful = Verdict(name="noisy", reasons=("5.5 runnable tasks",))
    rounds = [of(launch, 1_000_000), of(launch, 1_000_000, verdict=hot), of(launch, 1_030_000, verdict=doubtful)]
    found = merge(rounds).verdict
    assert found.name == "throttled"
    assert found.reasons[:2] == ("round 2: the device reports throttled", "round 3: 5.5 runnable tasks")
    emulated = Verdict(name="emulated", reasons=("an emulated machine",))
    assert merge([of(launch, 1, verdict=emulated), of(launch, 2, verdict=emulated)]).verdict == emulated


def test_energy_is_summed_over_the_domains_that_all_rounds_have(launch: Measurement) -> None:
    def spent(uj: int, idle: float | None) -> Energy:
        return Energy(domain="package-0", spent_uj=uj, window_s=2.0, idle_w=idle)

    psys = Energy(domain="psys", spent_uj=1, window_s=2.0)
    rounds = [of(launch, 1000, energy=(spent(100, 3.0), psys)), of(launch, 1000, energy=(spent(300, 5.0),))]
    found = merge(rounds)
    assert found.energy == (Energy(domain="package-0", spent_uj=400, window_s=4.0, idle_w=4.0),)
    assert found.millijoules(found.energy[0]) == 400 / 1e3 / 200
    assert merge([rounds[0], of(launch, 1000)]).energy is None
    own = [spent(100, 3.0).model_copy(update={"inferences": 7, "updates": updates}) for updates in (5, 6)]
    (battery,) = merge([of(launch, 1000, energy=(one,)) for one in own]).energy or ()
    assert (battery.inferences, battery.updates) == (14, 11)


def test_rounds_add_up_to_the_samples(launch: Measurement) -> None:
    with pytest.raises(ValidationError, match="rounds of 3 samples"):
        Measurement.model_validate({**launch.model_dump(), "rounds": (1, 2)})
