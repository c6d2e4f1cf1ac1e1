"""The versions that the agent tells, against what Python's own library finds."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from edgekit.agent.versions import VERSIONED, installed_version, versions


def in_metadata(name: str) -> str | None:
    """The version by the library."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def describe(folder: Path, entry: str, file: str = "METADATA", version: str = "") -> None:
    """Install the description of a package."""
    (folder / entry).mkdir(parents=True)
    if file:
        name = entry.partition("-")[0].partition(".")[0]
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (folder / entry / file).write_text(text)


def test_what_is_installed_here() -> None:
    assert versions() == {name: in_metadata(name) for name in VERSIONED if in_metadata(name)}
    assert {"numpy", "onnxruntime", "ai-edge-litert", "openvino"} <= set(versions())


@pytest.mark.parametrize(
    ("entry", "file", "version"),
    [
        ("tflite_runtime-2.14.0.dist-info", "METADATA", "2.14.0"),
        ("tflite_runtime-2.14.0+local.1.dist-info", "METADATA", "2.14.0+local.1"),
        ("TFLite.Runtime-2.14.0.post1.dist-info", "METADATA", "2.14.0.post1"),
        ("tflite_runtime-2.5.0-py3.7.egg-info", "PKG-INFO", "2.5.0"),
        ("tflite_runtime.egg-info", "PKG-INFO", "2.6.0"),
    ],
)
def test_every_form_of_a_description(
    entry: str, file: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe(tmp_path, entry, file, version)
    monkeypatch.syspath_prepend(tmp_path)
    assert in_metadata("tflite-runtime") == version
    assert installed_version("tflite-runtime") == version
    assert versions()["tflite-runtime"] == version


def test_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, version in (("second", "2.0"), ("first", "1.0")):
        describe(tmp_path / folder, f"tflite_runtime-{version}.dist-info", "METADATA", version)
        monkeypatch.syspath_prepend(tmp_path / folder)
    assert installed_version("tflite-runtime") == in_metadata("tflite-runtime") == "1.0"
    assert installed_version("tflite-runtime-more") is None


def test_what_pip_installed_is_known_without_reading_it() -> None:
    """The library that reads metadata takes a tenth of a launch to import."""
    code = "from edgekit.agent.versions import *; versions(); print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
