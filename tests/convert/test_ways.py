"""Every format x precision x input/output type, with preprocessing baked or not: the manifest tells the truth.

What the manifest says is read again from the file by the runtime itself, and parity is computed again here.
"""

from __future__ import annotations

import hashlib
import shlex

import numpy as np
import pytest

from edgekit.base.owned import MARK
from edgekit.base.target import saturates

pytestmark = pytest.mark.slow

FORMATS = ("onnx", "tflite", "openvino")
WAYS = [
    *((f, p, "float32", baked) for f in FORMATS for p in ("fp32", "fp16") for baked in (False, True)),
    *((f, "int8", io, False) for f in FORMATS for io in ("float32", "int8", "uint8")),
    *((f, "int8", io, True) for f in FORMATS for io in ("float32", "uint8")),
]
MIN_DB = {"fp32": 80.0, "fp16": 35.0, "int8": 8.0}
COMPUTE = 54  # convolutions and linear layers of the network
SWISHES = 19


@pytest.fixture(params=WAYS, ids=lambda way: f"{'-'.join(way[:3])}{'-baked' if way[3] else ''}")
def made(request, make):
    return make(*request.param)


def test_artifact(made, load, run, reference):
    """One test a way: the artifact is exported when the test comes to it, on one worker."""
    files_are_as_listed(made)
    ends_are_as_claimed(made, load(made))
    parity_holds(made, run(made), reference)
    audit_holds(made)
    artifact = made.artifact
    assert artifact.weights.kind == "random"
    assert artifact.weights.seed is not None
    assert artifact.tool_versions["torch"]
    assert [r.name for r in artifact.rewrites] == list(made.way.profile.rewrites)
    assert (artifact.calibration is None) == (artifact.precision != "int8")
    words = shlex.split(artifact.command)
    assert words[:2] == ["edgekit", "export"]
    assert words[words.index("--target") + 1] == made.way.target


def files_are_as_listed(made):
    listed = {entry.name: entry for entry in made.artifact.files}
    assert {p.name for p in made.folder.iterdir()} - {MARK} == {*listed, "manifest.json", "use", "use.py"}
    for name, entry in listed.items():
        content = (made.folder / name).read_bytes()
        assert (entry.size_bytes, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert made.artifact.size_bytes == sum(e.size_bytes for e in listed.values() if e.name != "check.npz")


def ends_are_as_claimed(made, real):
    (given,), (out,), way = made.artifact.inputs, made.artifact.outputs, made.way
    assert (given.dtype, out.dtype) == (real.input_dtype, real.output_dtype)
    assert (given.dtype, out.dtype) == ("uint8" if way.baked else way.io, way.io)
    assert (given.shape, out.shape) == (real.input_shape, real.output_shape)
    assert given.shape == ((1, 64, 64, 3) if way.format == "tflite" else (1, 3, 64, 64))
    assert given.layout == ("NHWC" if way.format == "tflite" else "NCHW")
    assert out.shape == (1, 100)
    assert given.preprocessing.baked == way.baked
    assert (out.quantization is not None) == (way.io != "float32")
    if way.baked:
        assert given.quantization is None  # pixels are pixels
        if way.precision == "int8" and way.format != "openvino":
            assert real.input_quantization == (1.0, 0)
    else:
        assert (given.quantization is not None) == (way.io != "float32")
    for said, seen in ((given.quantization, real.input_quantization), (out.quantization, real.output_quantization)):
        if said is not None and way.format != "openvino":
            assert seen == (pytest.approx(said.scale, rel=1e-6), said.zero_point)
    for params, dtype in ((given.quantization, given.dtype), (out.quantization, out.dtype)):
        if params is not None:
            limits = np.iinfo(dtype)
            assert params.scale > 0
            assert limits.min <= params.zero_point <= limits.max


def parity_holds(made, outputs, reference):
    """Computed here from the runtime's outputs; the manifest's figures are over more photos, so they bound these."""
    exact, parity = reference.astype(np.float64), made.artifact.parity
    assert np.isfinite(outputs).all()
    cosine = (exact * outputs).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(outputs, axis=1)
    sqnr = 10 * np.log10((exact**2).sum() / ((exact - outputs) ** 2).sum())
    assert cosine.min() >= parity.cosine_min - 1e-3
    assert np.abs(exact - outputs).max() <= parity.max_abs * 1.05 + 1e-5
    assert sqnr >= MIN_DB[made.way.precision]
    assert sqnr == pytest.approx(parity.sqnr_db, abs=3 if made.way.precision == "int8" else 8)
    assert "top1" not in parity.judged  # random weights: no winner to agree on
    assert parity.passed


def audit_holds(made):
    audit, way = made.artifact.audit, made.way
    assert audit.passed
    assert 2 <= audit.max_rank <= 4
    if way.precision == "int8":
        assert audit.float_compute_ops == 0
        assert audit.int8_compute_ops >= COMPUTE
        assert audit.int8_weight_bytes > audit.float_weight_bytes
        pairs = ", neighbours of one sign within 128" if way.format != "tflite" and saturates(way.target) else ""
        rounded = ", rounding errors compensated" if way.format != "onnx" else ""
        assert made.artifact.quantization["weights"] == f"int8 symmetric per-channel{pairs}{rounded}"
    else:
        assert audit.float_compute_ops >= COMPUTE
        assert made.artifact.quantization is None
    if way.format == "tflite":
        assert audit.delegate
        # A change of the ends' type is not the delegate's; everything else is.
        ends = (
            {"CAST"} if way.precision != "int8" else {"QUANTIZE"} if "uint8" in (way.io, "uint8" * way.baked) else set()
        )
        assert set(audit.undelegated) <= ends
        if not ends or not (way.baked or way.io == "uint8"):
            assert audit.delegated_share == 1.0
        if way.precision == "int8":
            assert audit.float_ops == {}
            assert audit.ops.get("HARD_SWISH", 0) == 0
        else:
            assert audit.ops["HARD_SWISH"] == SWISHES
    if way.format == "onnx" and way.precision == "fp32":
        assert audit.ops["HardSwish"] == SWISHES
