"""The commit that a measurement carries."""

import os
import subprocess
from pathlib import Path

import pytest

from edgekit.base.revision import revision


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "device_reports").mkdir(parents=True)
    (folder / "code.py").write_text("1")
    (folder / "device_reports" / "x.json").write_text("{}")
    run(folder, "init", "--quiet")
    run(folder, "add", ".")
    run(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first")
    return folder


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_clean_tree_is_its_commit(tree: Path) -> None:
    found = revision(tree / "device_reports")
    assert found is not None
    assert (found.commit, found.dirty) == (run(tree, "rev-parse", "HEAD"), False)


def test_changed_reports_and_new_files_do_not_make_it_dirty_but_changed_code_does(tree: Path) -> None:
    (tree / "new.txt").write_text("")
    (tree / "device_reports" / "x.json").write_text("[]")
    assert revision(tree, besides=tree / "device_reports") == revision(tree).model_copy(update={"dirty": False})
    assert revision(tree).dirty
    (tree / "code.py").write_text("2")
    assert revision(tree, besides=tree / "device_reports").dirty


def test_reports_kept_elsewhere_change_nothing(tree: Path, tmp_path: Path) -> None:
    assert revision(tree, besides=tmp_path / "elsewhere") == revision(tree)


def test_no_work_tree_no_commit_or_no_git_is_none(tree: Path, tmp_path: Path, monkeypatch) -> None:
    assert revision(tmp_path) is None
    (tmp_path / "empty").mkdir()
    run(tmp_path / "empty", "init", "--quiet")
    assert revision(tmp_path / "empty") is None
    monkeypatch.setenv("PATH", os.devnull)
    assert revision(tree) is None
