"""The verb ``pick``."""

from pathlib import Path

import pytest

from edgekit.errors import NotComparableError, UsageError, VerificationError
from edgekit.reports.store import load, save
from edgekit.select.pareto import Limits
from edgekit.types import Verdict
from edgekit.verbs.networks.advice import advice_for
from edgekit.verbs.stored.pick import pick

BASE = load(Path(__file__).parents[2] / "data" / "report_v1.json")


@pytest.fixture
def store(tmp_path: Path):
    """A store, and a function that adds a measurement of a network to it."""

    def add(model: str, p50_ms: float, **changes):
        samples = tuple(int(p50_ms * 1e6) + 1000 * (i % 7 - 3) for i in range(70))
        save(tmp_path, BASE.model_copy(update={"model": model, "samples_ns": samples, **changes}))

    add("mobilenet_v2_1.0", 17)
    add("mobilenet_v3_large_1.0", 19)
    add("mobilenet_v3_small_1.0", 7)
    return tmp_path, add


def chosen(root: Path, **limits: float) -> str:
    return pick("local", Limits(**limits), root).choice.candidate.measurement.model


def test_the_limits_decide(store):
    root, _ = store
    assert chosen(root) == "mobilenet_v3_large_1.0"
    assert chosen(root, latency_ms=18) == "mobilenet_v2_1.0"
    assert chosen(root, latency_ms=10) == "mobilenet_v3_small_1.0"
    assert chosen(root, accuracy=75) == "mobilenet_v3_large_1.0"


def test_nothing_keeps_the_limits_and_the_nearest_is_named(store):
    root, _ = store
    with pytest.raises(VerificationError, match=r"none of 3 .* nearest is .*: .* over 5") as caught:
        chosen(root, latency_ms=5)
    assert caught.value.exit_code == 1


def test_what_is_not_known_of_the_choice_is_said(store):
    root, add = store
    said = "\n".join(pick("local", Limits(latency_ms=18), root).doubts)
    assert "what int8 costs was not evaluated; int8 and float agree on 19 of 20 photos" in said
    add("mobilenet_v2_1.0", 17, weights_kind="random", verdict=Verdict(name="noisy", reasons=("drifts",)))
    said = "\n".join(pick("local", Limits(latency_ms=17.0005), root).doubts)
    assert "noisy: drifts" in said
    assert "random" in said
    assert "reaches beyond 17.0005 ms" in said
    assert "agree on" not in said


def test_a_file_of_ones_own_has_no_published_accuracy(store):
    root, add = store
    own = {"weights_kind": "file", "weights_sha256": "0" * 64}
    add("mobilenet_v2_1.0", 2, **own, classes=1000)
    add("mobilenet_v3_small_1.0", 3, weights_kind="random", classes=10)
    found = {r.candidate.measurement.model: r.candidate.accuracy for r in pick("local", Limits(), root).ranked}
    assert found == {"mobilenet_v2_1.0": None, "mobilenet_v3_small_1.0": None, "mobilenet_v3_large_1.0": 75.2}
    assert chosen(root, accuracy=10) == "mobilenet_v3_large_1.0"
    said = "\n".join(pick("local", Limits(latency_ms=2.5), root).doubts)
    assert "no accuracy is published for it: it was chosen by latency alone; edgekit evaluate tells that" in said


def test_throttled_and_emulated_ones_are_left_out(store):
    root, add = store
    add("mobilenet_v3_large_1.0", 1, verdict=Verdict(name="throttled", reasons=("hot",)))
    add("squeezenet_1.1", 1, verdict=Verdict(name="emulated"))
    found = pick("local", Limits(), root)
    assert len(found.ranked) == 2
    assert "throttled: hot" in found.left_out[0]
    assert "its latency means nothing" in found.left_out[1]


def test_other_conditions_of_the_others_are_said(store):
    root, add = store
    info = BASE.info.model_copy(update={"system": "Linux-7"})
    add("mobilenet_v2_1.0", 17, info=info)
    assert any("other conditions (kernel)" in line for line in pick("local", Limits(), root).doubts)


def test_a_network_without_a_card_is_chosen_by_latency_alone(tmp_path: Path):
    save(tmp_path, BASE.model_copy(update={"model": "my_own"}))
    found = pick("local", Limits(), tmp_path)
    assert found.choice.objective is None
    assert "chosen by latency alone" in found.doubts[0]


def test_mistakes(store):
    root, _ = store
    with pytest.raises(UsageError, match="no measurements of 'lokal'") as caught:
        pick("lokal", Limits(), root)
    assert "did you mean local?" in caught.value.hint
    with pytest.raises(UsageError, match="--exponent must be 0 or below"):
        pick("local", Limits(), root, exponent=1)


def test_an_emulated_device_is_no_ground(tmp_path: Path):
    save(tmp_path, BASE.model_copy(update={"verdict": Verdict(name="emulated")}))
    with pytest.raises(NotComparableError, match="emulated"):
        pick("local", Limits(), tmp_path)


def test_advice_names_the_groups_of_shufflenet_v1():
    g1, g2, g3, g4 = advice_for("shufflenet_v1_g8_1.0")
    assert g1.startswith("G1, equal channel widths: ")
    assert "up to 8 groups" in g2
    assert g3.startswith("G3, few fragments: ")
    assert "add" in g4
