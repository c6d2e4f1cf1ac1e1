"""Values refuse what cannot be; derived figures are derived."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edgekit.catalog import find_card
from edgekit.types import (
    Artifact,
    Audit,
    Device,
    ExportProfile,
    Measurement,
    ModelCard,
    ParityTolerance,
    Pinning,
    Preprocessing,
    Quantization,
)
from edgekit.types.base import checked_name

TOLERANCE = ParityTolerance(min_cosine=0.9, min_sqnr_db=8, max_abs_error=0.5, min_top1_agreement=0.9)
DATA = Path(__file__).parent / "data"


def profile(**changes) -> ExportProfile:
    return ExportProfile(**{"name": "x", "format": "onnx", "precision": "int8", "parity": TOLERANCE, **changes})


@pytest.mark.parametrize("change", [{"weights": "per-tensor"}, {"activations": "symmetric"}])
def test_tflite_is_quantized_in_one_way_only(change):
    settings = Quantization(**change)
    (value,) = change.values()
    with pytest.raises(ValidationError, match=f"only, not '{value}'"):
        profile(format="tflite", quantization=settings)
    for format_ in ("onnx", "openvino"):
        assert profile(format=format_, quantization=settings).quantization == settings


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("io", ["float32", "int8", "uint8"])
@pytest.mark.parametrize("baked", [False, True])
@pytest.mark.parametrize("quantized", [False, True])
def test_possible_combinations(precision, io, baked, quantized):
    possible = (precision == "int8") == quantized and (io == "float32" or precision == "int8")
    possible = possible and not (io == "int8" and baked)
    quantization = Quantization() if quantized else None
    make = {"precision": precision, "io": io, "bake_preprocess": baked, "quantization": quantization}
    if possible:
        assert profile(**make).io == io
    else:
        with pytest.raises(ValidationError, match=r"quantization|io = |bake_preprocess"):
            profile(**make)


@pytest.mark.parametrize(
    "changes", [{"format": "coreml"}, {"target": "arm"}, {"unknown": 1}, {"io": None}, {"parity": None}, {"name": 3}]
)
def test_wrong_fields_are_refused(changes):
    with pytest.raises(ValidationError):
        profile(quantization=Quantization(), **changes)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "name", ["min_cosine", "min_sqnr_db", "min_image_sqnr_db", "max_abs_error", "min_top1_agreement"]
)
def test_a_tolerance_is_a_number_that_something_can_miss(name, value):
    with pytest.raises(ValidationError, match=name):
        ParityTolerance.model_validate(TOLERANCE.model_dump() | {name: value})


@pytest.mark.parametrize(("name", "value"), [("min_cosine", 1.5), ("max_abs_error", -0.1), ("min_top1_agreement", 90)])
def test_a_tolerance_is_one_that_can_be_kept(name, value):
    with pytest.raises(ValidationError, match=name):
        ParityTolerance.model_validate(TOLERANCE.model_dump() | {name: value})


def test_values_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        TOLERANCE.min_cosine = 0.1


@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=3),
    st.lists(st.floats(0.01, 5), min_size=3, max_size=3),
    st.integers(1, 1000),
    st.booleans(),
)
def test_plain_and_back(mean, std, crop, baked):
    value = Preprocessing(resize=crop, crop=crop, mean=tuple(mean), std=tuple(std), baked=baked)
    assert Preprocessing.from_plain(json.loads(json.dumps(value.to_plain()))) == value


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    path = DATA / "artifacts" / "tiny" / "openvino-fp32" / "manifest.json"
    return Artifact.model_validate_json(path.read_text())


def test_size_of_an_artifact_is_what_a_device_holds(artifact):
    folder = DATA / "artifacts" / "tiny" / "openvino-fp32"
    assert artifact.size_bytes == sum((folder / name).stat().st_size for name in ("model.xml", "model.bin"))
    assert (artifact.model_file, artifact.runtime) == ("model.xml", "openvino")
    assert artifact.sha256 == artifact.files[0].sha256


@pytest.mark.parametrize(
    ("ops", "taken", "share"), [({"A": 3, "B": 1}, 3, 0.75), ({"A": 3}, None, None), ({}, 0, None)]
)
def test_delegated_share(artifact, ops, taken, share):
    audit = artifact.audit.model_copy(update={"ops": ops, "delegated_ops": taken})
    assert audit.delegated_share == share


def test_failures_decide(artifact):
    assert artifact.audit.passed
    assert not Audit.model_validate({**artifact.audit.model_dump(), "failures": ("x",)}).passed
    assert not artifact.parity.model_copy(update={"failures": ("x",)}).passed


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=60), st.floats(0, 100))
def test_percentiles_are_numpys(samples, q):
    measurement = Measurement.model_construct(samples_ns=tuple(samples))
    assert measurement.percentile_ms(q) == pytest.approx(np.percentile(samples, q) / 1e6)
    assert measurement.p50_ms == pytest.approx(statistics.median(samples) / 1e6)
    assert measurement.p50_ms <= measurement.p90_ms <= measurement.p99_ms


# Names


@given(st.text(max_size=90) | st.from_regex(r"[A-Za-z0-9._-]{1,90}", fullmatch=True))
def test_a_name_stays_one_part_of_a_path(text):
    try:
        name = checked_name(text)
    except ValueError:
        return
    path = Path("/folder") / name
    assert path.resolve() == path
    assert path.parent == Path("/folder")
    assert name.isascii()
    assert name.isprintable()
    assert name[0] not in ".-"
    assert len(name) <= 80


@pytest.mark.parametrize(
    "good", ["mobilenet_v1_0.25", "tflite-int8-io-uint8-ranges-mse-baked", "model.tflite", "a", "0"]
)
def test_usual_names_are_names(good):
    assert checked_name(good) == good


NO_NAMES = [
    "",
    ".",
    "..",
    ".x",
    "-x",
    "a/b",
    "a\\b",
    "../a",
    "/a",
    "a\n",
    "a b",
    "a\0",
    "é",
    "a.",
    "CON",
    "nul.txt",
    "a" * 81,
]


@pytest.mark.parametrize("bad", NO_NAMES)
def test_what_becomes_a_path_is_a_name_everywhere(bad):
    for change in ({"model": bad}, {"profile": bad}):
        for type_, file in ((Artifact, "artifacts/tiny/tflite-fp32/manifest.json"), (Measurement, "report.json")):
            plain = json.loads((DATA / file).read_text())
            plain.pop("digest", None)
            with pytest.raises(ValidationError, match="a name "):
                type_.from_plain({**plain, **change})
    plain = json.loads((DATA / "artifacts/tiny/tflite-fp32/manifest.json").read_text())
    plain["files"][0]["name"] = bad
    with pytest.raises(ValidationError, match="a name "):
        Artifact.from_plain(plain)
    with pytest.raises(ValidationError, match="a name "):
        profile(name=bad, quantization=Quantization())
    with pytest.raises(ValidationError, match="a name "):
        Device(id=bad, transport="local")
    with pytest.raises(ValidationError, match="a name "):
        ModelCard.from_plain({**find_card("squeezenet").to_plain(), "id": bad})


@pytest.mark.parametrize("asked", ["../x", "2/3", "fast", "2,", "", "2\n"])
def test_cores_that_end_in_a_file_name_are_cores(asked):
    with pytest.raises(ValidationError, match="asked"):
        Pinning(asked=asked, cpus=(0,))


@pytest.mark.parametrize("url", ["http://localhost:x@example.org/b", "http://127.0.0.1:80@example.org/b"])
def test_a_host_that_only_looks_like_this_machine_is_none(url):
    with pytest.raises(ValidationError, match="user or password"):
        Device(id="p", transport="adb", address="x", benchmark_model_url=url, benchmark_model_sha256="0" * 64)
