"""The verb ``pick``."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.accuracy.kept import keep, known_evaluations
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.base.stats import wilson
from edgekit.catalog import cards
from edgekit.errors import NotComparableError, UsageError, VerificationError
from edgekit.reports.indexed.reader import read_latest
from edgekit.reports.store import load, save
from edgekit.select.pareto import Limits
from edgekit.types import Evaluation, Scored, Verdict
from edgekit.verbs.networks.advice import advice_for
from edgekit.verbs.stored.pick import candidate, pick
from edgekit.verify.accuracy import paired_drop

BASE = load(Path(__file__).parents[2] / "data" / "report_v1.json")
TINY = Path(__file__).parents[2] / "data" / "artifacts" / "tiny" / "tflite-int8"


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


@pytest.fixture
def evaluated(tmp_path, monkeypatch):
    """A function that evaluates the artifact of a measurement: of 1000 images the float network alone gets some."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "artifacts"

    def add(lost: int) -> Path:
        folder = root / "tiny" / f"number-{lost}"
        shutil.copytree(TINY, folder)
        right, worse = np.ones(1000, bool), np.arange(1000) >= lost
        scored = Scored(kind="network", model="tiny", name="trained.pth", sha256="a" * 64)
        found = Evaluation(
            subject=scored,
            reference=scored,
            data="photos",
            images=1000,
            classes=5,
            top1=wilson(1000 - lost, 1000),
            drop=paired_drop(worse, right),
        )
        keep(read_manifest(folder), found)
        return root

    return add


OF_TINY = {
    "artifact_sha256": read_manifest(TINY).artifact.sha256,
    "weights_sha256": read_manifest(TINY).artifact.weights.sha256,
}


def test_what_int8_costs_is_taken_off_where_it_was_evaluated(store, evaluated):
    root, add = store
    add("mobilenet_v2_1.0", 5, weights_kind="pretrained", classes=1000, **OF_TINY)
    card = cards()["mobilenet_v2_1.0"]
    own = card.weights[0].model_copy(update={"sha256": OF_TINY["weights_sha256"], "top1": 72.0})
    known = {card.id: card.model_copy(update={"weights": (own,)})}
    m = next(one.measurement for one in read_latest(root, silent)[0] if one.measurement.p50_ms < 6)
    found = candidate(m, known, known_evaluations(evaluated(7))[0])
    assert found.accuracy == 71.3
    assert found.source.endswith("less the 0.70 measured")


def test_a_measured_top1_stands_where_nobody_published_one(store, evaluated):
    root, add = store
    add("mobilenet_v2_1.0", 2, weights_kind="file", classes=1000, **OF_TINY)
    found = pick("local", Limits(latency_ms=2.5), root, artifacts=evaluated(30))
    assert (found.choice.candidate.accuracy, found.choice.candidate.source) == (97.0, "measured on photos")
    said = "\n".join(found.doubts)
    assert "its top-1 less that of its reference, measured: +3.00 points" in said
    assert "the accuracies are of different images (ImageNet, photos)" in said
    assert "was not evaluated" not in said


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
    with pytest.raises(UsageError, match="sim-rpi4 counts instructions and measures no latency"):
        pick("sim-rpi4", Limits(), root)
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
