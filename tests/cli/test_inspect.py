"""``edgekit inspect`` and ``edgekit verify`` as a user types them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest


def test_inspect(edgekit, project: Path, tiny: Path) -> None:
    shutil.copy(tiny / "tflite-int8" / "model.tflite", project / "net.tflite")
    done = edgekit("inspect", "net.tflite")
    assert done.returncode == 0, done.stderr
    assert "net tflite-int8-unverified" in done.stdout
    assert "unverified: edgekit did not export this file" in done.stdout
    assert "int8 1x8x8x3 NHWC" in done.stdout
    assert "3 of 3 convolutions and matrix products execute in int8" in done.stdout
    assert "left: 1 HARD_SWISH" in done.stdout
    told = json.loads(edgekit("inspect", "net.tflite", "--json").stdout)
    assert {"type": "CONV_2D", "reads": "int8", "writes": "int8", "count": 2, "delegated": 2} in told["operators"]


def test_verify(edgekit, project: Path, tiny: Path) -> None:
    shutil.copy(tiny / "onnx-fp32" / "model.onnx", project / "net.onnx")
    same = edgekit("verify", str(tiny / "tflite-fp32"), "--against", "net.onnx")
    assert same.returncode == 0, same.stderr
    assert "agrees with net onnx-fp32-unverified on 16 sets of inputs (random inputs)" in same.stderr
    far = edgekit("verify", str(tiny / "tflite-int8"), "--against", "net.onnx", "--min-sqnr", 90, "--json")
    assert far.returncode == 1
    assert json.loads(far.stdout)["passed"] is False


def test_shapes_that_are_none(edgekit, project: Path, tiny: Path) -> None:
    shutil.copy(tiny / "onnx-fp32" / "model.onnx", project / "net.onnx")
    for words, message in (
        (["1x-3"], "--input '1x-3' is not a shape"),
        (["x=1x3", "x=1x4"], "--input gives x two shapes"),
        (["1x3x1000000x1000000"], "has 3e+12 elements, and edgekit takes 2.15e+09"),
        (["1x4x8x8"], "input 'image' is [1, 3, 8, 8] in the model, which [1, 4, 8, 8] does not fit"),
    ):
        done = edgekit("inspect", "net.onnx", *(f"--input={word}" for word in words))
        assert done.returncode == 2
        assert message in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
def test_names_that_are_no_utf_8(edgekit, project: Path, tiny: Path) -> None:
    """JSON cannot say them, and the agent, the children and the manifests are told by JSON."""
    for profile, name in (("onnx-fp32", b"caf\xe9.onnx"), ("tflite-int8", b"caf\xe9.tflite")):
        (file,) = (tiny / profile).glob("model.*")
        shutil.copy(file, project / os.fsdecode(name))
        done = edgekit("inspect", os.fsdecode(name))
        assert done.returncode == 2
        assert r"error: a name is not valid UTF-8: " in done.stderr
        assert r"caf\udce9." in done.stderr
        assert "  try: give it another name" in done.stderr


ABSENT = (
    ("inspect", "nothere.onnx"),
    ("profile", "nothere.tflite"),
    ("verify", "nothere.onnx", "--against", "other.onnx"),
    ("evaluate", "nothere.onnx", "--data", "photos"),
    ("evaluate", "nothere.pt", "--data", "photos"),
    ("gate", "nothere.onnx"),
    ("gate", "--update", "nothere.onnx"),
    ("lint", "nothere.onnx"),
    ("estimate", "nothere.tflite"),
    ("export", "nothere.pt2", "--format", "onnx"),
    ("export", "nothere.onnx", "--format", "tflite"),
    ("export", "nothere.toml", "--format", "onnx"),
    ("export", "nothere.py", "--format", "onnx"),
    ("audit-run", "nothere.json"),
    ("condense", "nothere.pt", "-o", "out.pt"),
    ("train", "mobilenet_v2", "--data", "nothere.npz"),
    ("models", "show", "nothere.toml"),
)


@pytest.mark.parametrize("words", ABSENT)
def test_a_file_that_is_not_there_is_called_so(edgekit, words: tuple[str, ...]) -> None:
    done = edgekit(*words)
    assert done.returncode == 2
    said = done.stderr.splitlines()[0]
    assert "nothere" in said
    assert any(word in said for word in ("no file", "no such file", "No such file", "no checkpoint at")), said
