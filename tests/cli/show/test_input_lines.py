"""What an export says of the way from images to the input."""

from __future__ import annotations

from pathlib import Path

from edgekit.artifacts.tasks import Outcome
from edgekit.cli.show.export import outcome_lines, provenance_lines
from edgekit.types import Artifact, ImageSet, Origin, Preprocessing

TINY = Path(__file__).parents[2] / "data" / "artifacts" / "tiny" / "tflite-int8" / "manifest.json"
PHOTOS = ImageSet(kind="folder", source="photos", count=8, sha256="a", notes=("2 files left out: 2 hidden files",))


def outcome(kind: str, **changes: object) -> Outcome:
    artifact = Artifact.model_validate_json(TINY.read_text())
    origin = Origin(kind=kind, source="the card x: nothing says how best.pt was trained")  # type: ignore[arg-type]
    made = Preprocessing(resize=9, crop=8, mean=(0.5,) * 3, std=(0.25,) * 3, origin=origin)
    spec = artifact.inputs[0].model_copy(update={"preprocessing": made})
    weights = artifact.weights.model_copy(update={"kind": "file"})
    update = {"inputs": (spec,), "weights": weights, "calibration": PHOTOS, "parity_data": PHOTOS, **changes}
    return Outcome("x", "onnx-int8", "converted", 1.0, Path("out"), artifact.model_copy(update=update))


def test_assumed_preprocessing_is_said_in_capitals():
    lines = provenance_lines([outcome("assumed")])
    assert "preprocessing: ASSUMED from the card x: nothing says how best.pt was trained" in lines
    assert any("short side to 9, centre 8, /255, minus [0.5, 0.5, 0.5]" in line for line in lines)
    assert any("--mean --std --resize" in line for line in lines)


def test_told_preprocessing_is_one_line_and_random_weights_need_none():
    told = provenance_lines([outcome("published")])
    assert sum("preprocessing" in line for line in told) == 1
    random = outcome("assumed").artifact.weights.model_copy(update={"kind": "random", "seed": 0})
    assert not any("preprocessing" in line for line in provenance_lines([outcome("assumed", weights=random)]))


def test_the_images_of_both_and_what_was_left_out_are_said():
    lines = provenance_lines([outcome("card")])
    assert "calibration: 2 files left out: 2 hidden files" in lines
    assert "parity: on the same 8 images; --parity-data takes others" in lines
    other = PHOTOS.model_copy(update={"sha256": "b", "notes": ("the test images of fashion-mnist",)})
    apart = provenance_lines([outcome("card", parity_data=other)])
    assert "parity: the test images of fashion-mnist" in apart
    assert not any("on the same" in line for line in apart)


def test_a_card_that_knows_its_data_suggests_it():
    bundled = PHOTOS.model_copy(update={"kind": "bundled", "notes": ()})
    own = outcome("card", model="condensenet_fashion_small", calibration=bundled)
    assert any("give --calibration fashion-mnist, the network's own data" in line for line in provenance_lines([own]))
    assert "      edgekit evaluate out --data fashion-mnist" in outcome_lines([own])
