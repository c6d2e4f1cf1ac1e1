"""A file that is not there is called so by every verb that takes one."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

FILES = (
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


@pytest.mark.parametrize("words", FILES)
def test_the_file_is_not_there(edgekit: Callable[..., CompletedProcess[str]], words: tuple[str, ...]) -> None:
    done = edgekit(*words)
    assert done.returncode == 2
    said = done.stderr.splitlines()[0]
    assert "nothere" in said
    assert any(word in said for word in ("no file", "no such file", "No such file", "no checkpoint at")), said
