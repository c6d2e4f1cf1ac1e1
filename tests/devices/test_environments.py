"""Environments with one version of a runtime, made by the real pip from wheels in a folder."""

import subprocess
import zipfile

import pytest

from edgekit.base.progress import silent
from edgekit.devices.environments import Wanted, python_with, wanted
from edgekit.devices.wheels import has_pip
from edgekit.errors import ToolError, UsageError


def wheel(folder, name, version, code):
    """A wheel of one module."""
    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    files = {
        f"{stem}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{stem}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A cache of its own, and pip that sees a folder of wheels alone."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def test_a_version_of_a_runtime_is_asked_for_exactly():
    assert wanted("onnxruntime==1.22.0", "--runtime-a") == Wanted("onnxruntime", "1.22.0")
    assert wanted(" AI_Edge_LiteRT==2.1.0 ", "--runtime-a").runtime == "litert"
    for text in ("onnxruntime", "onnxruntime>=1.2", "onnxruntime==1; rm -rf x", "-r file==1", "../x==1"):
        with pytest.raises(UsageError, match="takes a package and its version"):
            wanted(text, "--runtime-a")
    with pytest.raises(UsageError, match="is not a runtime") as caught:
        wanted("onnxruntim==1.0", "--runtime-a")
    assert "onnxruntime" in caught.value.hint


def test_it_is_made_once_and_holds_that_version(offline, heard):
    wheel(offline, "onnxruntime", "9.9", "version = '9.9'\n")
    wheel(offline, "numpy", "1.0", "")
    python = python_with(Wanted("onnxruntime", "9.9"), heard)
    said = subprocess.check_output([python, "-c", "import onnxruntime; print(onnxruntime.version)"])
    assert said.strip() == b"9.9"
    assert heard.lines == ["making an environment with onnxruntime==9.9"]
    heard.events.clear()
    assert python_with(Wanted("onnxruntime", "9.9"), heard) == python
    assert heard.lines == []
    assert [path.name for path in python.parent.parent.parent.iterdir()] == [python.parent.parent.name]


def test_a_version_that_is_not_to_be_had_leaves_nothing(offline, tmp_path):
    with pytest.raises(ToolError, match=r"no environment with onnxruntime==0\.1: [A-Z][a-z]") as caught:
        python_with(Wanted("onnxruntime", "0.1"), silent)
    assert "pip index versions onnxruntime" in caught.value.hint
    assert list((tmp_path / "cache" / "environments").iterdir()) == []


def test_pip_is_the_interpreters_own_and_not_the_projects(tmp_path, monkeypatch):
    (tmp_path / "pip.py").write_text("from pathlib import Path\nPath('started').touch()\n")
    monkeypatch.chdir(tmp_path)
    has_pip()
    assert not (tmp_path / "started").exists()
