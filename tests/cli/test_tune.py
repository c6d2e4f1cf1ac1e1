"""``edgekit tune``: what it refuses before it measures, and that export's old options mean the same."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from edgekit.base.target import host_target
from edgekit.cli import app
from edgekit.errors import EdgekitError

RUNNER = CliRunner()


def error_of(*words: str) -> EdgekitError:
    """The error that a command line ends with."""
    error = RUNNER.invoke(app, list(words)).exception
    assert isinstance(error, EdgekitError)
    return error


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ([], "no model given", "models list"),
        (["squeezenet"], "no format given", "--format"),
        (["squeezenet", "-f", "onnx", "--keep-form"], "--keep-form leaves nothing to measure", "--require-speedup"),
        (["squeezenet", "-f", "onnx", "--require-speedup"], "onnx-fp32 is not int8", "--int8"),
        (
            ["squeezenet", "-f", "onnx", "--int8", "--min-speedup=0"],
            "--min-speedup must be a number above 0, got 0",
            "faster than float32",
        ),
        (["squeezenet", "-f", "onnx", "--cores", "9999"], "there is no core 9999 here to be pinned to", "other cores"),
        (["squeezenet", "-f", "onnx", "--cores", "fast"], "--cores takes big, little or core numbers", "2,3"),
        (["squeezenet", "-f", "onnx", "--device", "virtual-rpi4"], "an emulated device", "a real device"),
        (["squeezenet", "-f", "onnx", "--device", "nowhere"], "unknown device 'nowhere'", "devices add"),
        (
            ["squeezenet", "-f", "onnx", "--input", "1x3x8x8"],
            "--input is for networks of your own code",
            "--input-size",
        ),
        (["net.py", "-f", "onnx", "--require-speedup"], "onnx-fp32 is not int8", "--int8"),
        (["net.py", "-f", "onnx", "--num-classes", "3"], "--num-classes is for networks of the zoo", "leave it out"),
        (["net.py", "-f", "onnx"], "no such file: net.py", "name a .py file"),
        (["net.onnx", "-f", "onnx"], "no such file: net.onnx", "name an .onnx file"),
    ],
)
def test_refused_before_anything_is_built(words, message, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = error_of("tune", *words)
    assert error.exit_code == 2
    assert message in str(error)
    assert hint in error.hint
    assert list(tmp_path.iterdir()) == []


def test_the_target_is_that_of_the_device():
    other = "armv8.0" if host_target() != "armv8.0" else "x86-avx2"
    error = error_of("export", "squeezenet", "-f", "onnx", "--tune", "--target", other)
    assert f"--target {other} contradicts the device local" in str(error)


def test_export_keeps_the_options_as_an_alias_and_does_not_list_them():
    tune, export = (RUNNER.invoke(app, [verb, "--help"], env={"COLUMNS": "200"}).stdout for verb in ("tune", "export"))
    for option in ("--device", "--threads", "--cores", "--require-speedup", "--min-speedup"):
        assert option in tune
        assert option not in export
    words = ["squeezenet", "-f", "onnx", "--device", "nowhere"]
    assert str(error_of("export", "--tune", *words)) == str(error_of("tune", *words))
