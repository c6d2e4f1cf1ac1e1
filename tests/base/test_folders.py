"""Every folder of the cache is where the user wants the cache to be."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import edgekit
from edgekit.base import folders
from edgekit.catalog import cards, user_folder
from edgekit.devices.shell_machine import owner
from edgekit.devices.ssh_config import host_aliases
from edgekit.errors import UsageError

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
    monkeypatch.setenv("EDGEKIT_CACHE", "~/there")  # a shell leaves the ~ in quotes as it is
    assert folder().parent == Path.home() / "there"


def test_a_relative_path_of_xdg_is_no_place(tmp_path, monkeypatch):
    """Else a folder of the project that somebody else packed would be the cache, or the user's own settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGEKIT_CACHE", raising=False)
    for variable, place in (("XDG_CACHE_HOME", folders.cache_root), ("XDG_CONFIG_HOME", user_folder)):
        monkeypatch.setenv(variable, "theirs")
        assert place().is_relative_to(Path.home())
        monkeypatch.setenv(variable, str(tmp_path / "mine"))
        assert place() == tmp_path / "mine" / "edgekit"


@pytest.fixture
def homeless(monkeypatch):
    """A user without a name and a home, as in a container that runs under a bare number."""
    for name in ("HOME", "USERPROFILE", "EDGEKIT_CACHE", "XDG_CACHE_HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(*_: object) -> object:
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)


def test_without_a_home_the_cache_asks_for_a_place(homeless, monkeypatch):
    with pytest.raises(UsageError, match=r"HOME is not set, and the system knows no home of user \d+") as caught:
        folders.cache_root()
    assert "EDGEKIT_CACHE" in caught.value.hint
    monkeypatch.setenv("EDGEKIT_CACHE", "/one")
    assert folders.cache_root() == Path("/one")


def test_a_home_that_nobody_has_is_no_fault(homeless):
    assert folders.home() == folders.NO_HOME
    assert not folders.NO_HOME.exists()
    assert folders.expanded("~/x") == Path("~/x")
    assert folders.expanded("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    assert host_aliases() == []
    assert cards()
    assert re.fullmatch(r".*user \d+@.*", owner())


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
