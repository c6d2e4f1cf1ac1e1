"""Every folder of the cache is where the user wants the cache to be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import edgekit
from edgekit.base import folders

ALL = [function for name, function in sorted(vars(folders).items()) if name.endswith("_folder")]
ROOT = Path(edgekit.__file__).parent


@pytest.mark.parametrize("folder", ALL)
def test_every_folder_is_in_the_cache_that_was_chosen(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", "/one")
    monkeypatch.setenv("XDG_CACHE_HOME", "/two")
    assert folder().parent == Path("/one")
    monkeypatch.delenv("EDGEKIT_CACHE")
    assert folder().parent == Path("/two/edgekit")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert folder().parent == Path.home() / ".cache" / "edgekit"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEKIT_CACHE", "here")
    assert folder().parent == tmp_path / "here"


def test_no_two_are_the_same():
    assert len({folder() for folder in ALL}) == len(ALL) == 13


def test_nobody_else_looks_for_the_cache():
    named = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in ("EDGEKIT_CACHE", "XDG_CACHE_HOME", ".cache")
    }
    assert named == {"base/folders.py"}
