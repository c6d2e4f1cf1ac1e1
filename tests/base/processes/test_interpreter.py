"""The interpreters that edgekit starts run nothing of the folder that it is called from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.base.processes import warm
from edgekit.base.processes.interpreter import ROOT, python_module
from edgekit.base.processes.isolate import run_named

PACKAGES = ("random", "onnx", "cuda", "numpy", "child_functions")


@pytest.mark.parametrize("imports", [(), ("numpy",)], ids=["fresh", "forked"])
def test_a_users_files_are_not_taken_for_packages(
    imports: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, functions = tmp_path / "work", tmp_path / "functions"
    for folder in (work, functions):
        folder.mkdir()
    (functions / "child_functions.py").write_text(
        "import numpy, random\ndef where(request):\n    return {'numpy': numpy.__file__, 'random': random.__file__}\n"
    )
    for name in PACKAGES:
        (work / f"{name}.py").write_text("open('taken', 'w').close()\nraise SystemExit('a script of the user')\n")
    monkeypatch.chdir(work)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(functions), *filter(None, sys.path)]))
    monkeypatch.setattr(warm, "WARMTH", warm.Warmth())
    with warm.warm():
        found = run_named("child_functions:where", {}, 60, "looking", imports=imports)
    assert not any(file.startswith(str(work)) for file in found.values())
    assert not (work / "taken").exists()


def test_a_checkout_that_is_not_installed(tmp_path: Path) -> None:
    words = python_module("tests.base.processes.says_hello", "a", "b")
    assert words[4] == str(ROOT)
    (tmp_path / "tests/base/processes").mkdir(parents=True)
    (tmp_path / "tests/base/processes/says_hello.py").write_text("import sys\nprint(sys.argv[2:])\n")
    words[4] = str(tmp_path)
    made = subprocess.run([words[0], "-S", *words[1:]], cwd="/", env={}, capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "['a', 'b']"
