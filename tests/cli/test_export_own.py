"""``edgekit export net.py`` as a user types it."""

from __future__ import annotations

from pathlib import Path

CODE = """
import torch

def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 5))
"""


def test_two_commands_to_a_latency(edgekit, project: Path) -> None:
    (project / "net.py").write_text(CODE)
    made = edgekit("export", "net.py", "--input", "1x3x8x8", "-f", "onnx")
    assert made.returncode == 0, made.stderr
    assert "running the code of net.py, in a process of its own" in made.stderr
    assert "weights: the network's own code" in made.stderr
    assert "every output, on random inputs (16)" in made.stderr
    assert "next: edgekit profile artifacts/net/onnx-fp32" in made.stderr
    measured = edgekit("profile", "artifacts/net/onnx-fp32")
    assert measured.returncode == 0, measured.stderr


def test_words_that_do_not_go_with_code(edgekit, project: Path) -> None:
    (project / "net.py").write_text(CODE)
    for words, message in (
        (["net.py", "mobilenet_v3", "-f", "onnx"], "net.py is code, and mobilenet_v3 a model"),
        (["net.py", "-f", "onnx", "--num-classes", "3"], "--num-classes is for networks of the zoo"),
        (["net.py", "-f", "onnx", "--form", "rows"], "form 'rows' is of tflite"),
        (["net.py", "-f", "onnx", "--device", "rpi4"], "--device says where to measure, but this command measures"),
        (["net.py", "-f", "onnx", "--strict-int8"], "--strict-int8 are about int8 artifacts"),
        (["net.tflite", "-f", "onnx"], "net.tflite is finished"),
        (["net.py", "-f", "onnx", "--selective-float"], "--selective-float is for networks of the zoo"),
        (["mobilenet_v3", "-f", "onnx", "--input", "1x3x8x8"], "--input is for networks of your own code"),
        (["net.py", "-f", "onnx", "--input", "x=1x3:float33"], "unknown type 'float33'"),
        (["net.py", "net.py:build", "-f", "onnx", "--input", "1x3"], "--input is about one network"),
    ):
        done = edgekit("export", *words)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
