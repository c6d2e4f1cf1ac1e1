"""Layer by layer: the figures are those of the real file in its runtime, each at the layer that it belongs to."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from edgekit.artifacts.cache import ingredients
from edgekit.artifacts.children import jobs
from edgekit.artifacts.children.layer_errors import activations
from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.requests import LayersRequest
from edgekit.base.progress import silent
from edgekit.catalog import profile_for
from edgekit.cli.show.export import exit_code, outcome_lines, outcome_plain
from edgekit.cli.show.export_table import outcome_table
from edgekit.cli.show.layer_errors import inherited_db, layer_lines
from edgekit.types import Artifact, Layer, LayerError, LayerErrors
from edgekit.verbs.export import export
from edgekit.verify.layer_match import match, shaped
from edgekit.verify.taps import Tap

CARD = """
id = "small"
family = "squeezenet"
title = "A network for tests"
paper = "none"
licence = "none"
num_classes = 20
input_shape = [3, 48, 48]
params = 0
macs = 0

[architecture]
version = "1.1"

[preprocessing]
resize = 52
crop = 48
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
"""


@pytest.fixture(scope="module")
def card(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("card") / "small.toml"
    path.write_text(CARD)
    return str(path)


def loose(format_: str, kept: tuple[str, ...] = ()):
    """The int8 profile, for a random network of toy size."""
    base = profile_for(format_, "int8")
    parity = base.parity.model_copy(update={"min_cosine": 0.5, "min_sqnr_db": 0.0, "min_image_sqnr_db": None})
    quantization = base.quantization.model_copy(update={"keep_float": kept})
    changes = {"parity": parity, "quantization": quantization, "form": "as-written", "target": "x86-avx2"}
    return base.model_copy(update=changes)


def exported(card, folder, profile):
    (outcome,) = export([card], [profile], ExportOptions(out=folder, layer_errors=True), silent)
    return outcome


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_every_convolution_is_seen_and_named(card, tmp_path, format_):
    outcome = exported(card, tmp_path, loose(format_))
    assert outcome.status == "converted", outcome.error
    found = outcome.layers
    by_path = {layer.path: layer for layer in found.layers}
    places = {layer.path: places_of(layer, by_path) for layer in found.layers if layer.macs}
    assert len(places) == 26
    missing = [path for path, place in places.items() if place.sqnr_db is None]
    assert not missing
    # The first layer has little error of its own, and errors add up on the way; all are errors, none is a mismatch.
    figures = [place.sqnr_db for place in places.values()]
    assert figures[0] > 25
    assert figures[0] > np.median(figures) > np.min(figures) > 3
    assert {place.dtype for place in places.values()} & {"int8", "uint8", "8-bit"}
    assert abs(found.tapped_scores_db - found.scores_db) < 3
    # A layer alone loses less than all do, but for weights that the artifact rounds better than the simulation.
    assert all(by_path[path].own_db > found.scores_db - 1 for path in places)
    assert by_path["features.0"].macs == 23 * 23 * 64 * 27

    artifact = Artifact.model_validate_json((outcome.folder / "manifest.json").read_text())
    assert {file.name for file in artifact.files} >= {"layers.json", "check.npz"}
    assert not {"layers.json", "check.npz"} & {file.name for file in artifact.model_files}
    assert LayerErrors.model_validate_json((outcome.folder / "layers.json").read_text()) == found
    assert artifact.command.endswith("--layer-errors")


def places_of(layer: LayerError, by_path: dict[str, LayerError]) -> LayerError:
    """The layer, or the one whose tensor its note points at."""
    return layer if layer.sqnr_db is not None else by_path[layer.note.removeprefix("fused: see ")]


def test_an_error_shows_where_it_is_made(card, tmp_path):
    """A float layer adds nothing to what it inherits, and what it makes is stored in float."""
    everything = exported(card, tmp_path / "int8", loose("onnx")).layers
    kept = exported(card, tmp_path / "kept", loose("onnx", ("features.0", "features.3.squeeze"))).layers
    first = {name: next(x for x in found.layers if x.path == "features.3.squeeze_activation") for name, found in
             (("int8", everything), ("kept", kept))}  # fmt: skip
    assert first["kept"].in_float
    assert first["kept"].sqnr_db > first["int8"].sqnr_db + 3


def test_what_fails_to_verify_is_explained_all_the_same(card, tmp_path):
    profile = loose("onnx")
    strict = profile.model_copy(update={"parity": profile.parity.model_copy(update={"min_sqnr_db": 90.0})})
    outcome = exported(card, tmp_path, strict)
    assert outcome.status == "failed to verify"
    assert outcome.folder is None
    assert outcome.layers.layers


@pytest.fixture
def faulty(monkeypatch) -> None:
    """Measuring the layers ends with an error that nobody expected."""

    def taken_away(request: LayersRequest) -> LayerErrors:
        raise AssertionError("runs in the child, where there is no such function")

    taken_away.__module__, taken_away.__qualname__ = jobs.__name__, "taken_away"
    monkeypatch.setattr(jobs, "layer_errors", taken_away)


def test_an_artifact_outlives_a_fault_in_measuring_its_layers(card, tmp_path, monkeypatch, faulty):
    cache = tmp_path / "cache"
    options = ExportOptions(out=tmp_path, layer_errors=True, cache=cache)
    (outcome,) = export([card], [loose("tflite")], options, silent)
    assert outcome.status == "converted"
    assert Artifact.model_validate_json((outcome.folder / "manifest.json").read_text()).parity.failures == ()
    assert not (outcome.folder / "layers.json").exists()
    assert outcome.layers is None
    assert not list(cache.rglob("model.tflite")), "from there it would come without layers for ever"

    assert exit_code([outcome]) == 3
    text = "\n".join(outcome_lines([outcome]))
    assert "layers  NOT MEASURED; the artifact is verified without them and kept:" in text
    assert "measuring the layers of small tflite-int8 ended with an unexpected error, AttributeError: " in text
    assert "try: put --debug right behind edgekit" in text
    assert "saved   " in text
    assert "Traceback" not in text
    assert "layers not measured: small tflite-int8" in outcome_table([outcome], 1.0)
    assert "taken_away" in outcome_plain(outcome)["layers_error"]
    monkeypatch.setattr(sys, "argv", ["edgekit", "--debug", "export"])
    for lines in (outcome_lines([outcome]), outcome_table([outcome], 1.0)):
        assert "isolate.py" in "\n".join(lines).partition("In the process that failed:")[2]


def test_a_fault_in_measuring_layers_saves_no_artifact_that_fails(card, tmp_path, faulty):
    profile = loose("tflite")
    strict = profile.model_copy(update={"parity": profile.parity.model_copy(update={"min_sqnr_db": 90.0})})
    outcome = exported(card, tmp_path, strict)
    assert outcome.status == "failed to verify"
    assert "90 dB" in str(outcome.error)
    assert "AttributeError" in str(outcome.layers_error)
    assert outcome.folder is None
    assert exit_code([outcome]) == 1
    assert "layers  NOT MEASURED:" in "\n".join(outcome_lines([outcome]))


def test_the_cache_keeps_them_apart_and_gives_them_back(card, tmp_path):
    from edgekit.catalog import find_card

    options = [ExportOptions(layer_errors=asked) for asked in (False, True)]
    profile = loose("tflite")
    plain, asked = (ingredients(find_card(card), None, profile, each) for each in options)
    assert plain != asked
    cache = ExportOptions(out=tmp_path / "a", cache=tmp_path / "cache", layer_errors=True)
    (first,) = export([card], [profile], cache, silent)
    (second,) = export([card], [profile], cache, silent)
    assert second.cached
    assert second.layers == first.layers is not None


def test_a_fused_tensor_goes_to_the_layer_whose_values_it_has():
    rng = np.random.default_rng(0)
    before = rng.normal(size=(1, 4, 3, 3)).astype(np.float32)
    reference = {"conv": before, "relu": np.maximum(before, 0), "other": -before}
    noisy = reference["relu"] + 0.01 * rng.normal(size=before.shape).astype(np.float32)
    taps = [Tap("conv;3", frozenset({"conv"}), "int8")]
    assert match(taps, [noisy], reference, {"conv": "relu"}) == {"relu": 0}
    assert match(taps, [before], reference, {"conv": "relu"}) == {"conv": 0}
    assert match(taps, [noisy], reference, {}) == {"conv": 0}
    assert match(taps, [noisy[:, :2]], reference, {"conv": "relu"}) == {}


def test_an_addition_may_hold_its_activation_too():
    """TFLite computes a ReLU inside whatever is in front of it, not only inside convolutions."""
    layers = (
        Layer(name="norm", path="norm", kinds=("shift",), feeds=("relu",)),
        Layer(name="relu", path="relu", kinds=("relu",), feeds=("conv", "cat")),
        Layer(name="conv", path="conv", kinds=("conv",), feeds=("cat",)),
        Layer(name="cat", path="cat", kinds=("concat",)),
    )
    assert activations(layers) == {"norm": "relu"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_", "target"), [("openvino", "x86-avx2"), ("openvino", "x86-vnni"), ("tflite", "x86-avx2")]
)
def test_a_layer_is_not_held_against_what_another_makes(tmp_path, format_, target):
    """CondenseNet has biases and shifts in front of its ReLUs, and a product as its last operator."""
    profile = profile_for(format_, "int8").model_copy(update={"target": target})
    outcome = exported("condensenet_fashion_small", tmp_path, profile)
    assert outcome.status == "converted", outcome.error
    measured = [layer for layer in outcome.layers.layers if layer.sqnr_db is not None]
    assert len(measured) > 30
    worst = min(measured, key=lambda layer: layer.sqnr_db)
    assert worst.sqnr_db > outcome.layers.scores_db - 12, worst


def test_only_dimensions_of_one_may_differ():
    reference = np.zeros((1, 4, 1, 1), np.float32)
    assert shaped(np.zeros((1, 4), np.float32), reference).shape == (1, 4, 1, 1)
    assert shaped(np.zeros((1, 2, 3, 1), np.float32), np.zeros((1, 3, 2, 1), np.float32)) is None


def layer(name: str, sqnr_db: float | None, feeds: tuple[str, ...] = ()) -> LayerError:
    return LayerError(name=name, path=name, kinds=("conv", "dense-conv"), feeds=feeds, dtype="int8", sqnr_db=sqnr_db)


def test_the_table_is_worst_first_and_says_what_a_layer_loses():
    layers = (layer("a", 30.0, ("b",)), layer("b", None, ("c",)), layer("c", 20.0))
    found = LayerErrors(
        model="m", profile="p", images=4, own_images=2, scores_db=20, tapped_scores_db=17, layers=layers
    )
    assert inherited_db(found) == {"b": 30.0, "c": 30.0}
    lines = layer_lines(found)
    assert lines[0].startswith("layers  2 of 3 seen in the file, 1 fused")
    assert [line.split()[0] for line in lines[2:4]] == ["c", "a"]
    assert "10.0" in lines[2]
    assert "the runtime computes otherwise" in lines[-1]
    assert json.loads(found.model_dump_json())["schema_version"] == 1
