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


@pytest.mark.parametrize("key", ["core.fsmonitor", "filter.x.clean", "filter.x.process", "filter.A.c.clean"])
def test_a_repository_of_somebody_else_starts_no_program(tree: Path, key: str) -> None:
    # As an archive brings it, with its .git; git then looks at every file anew.
    run(tree, "config", key, "touch started; cat")
    run(tree, "config", "filter.x.required", "true")
    (tree / ".git" / "info" / "attributes").write_text(f"* filter={key.split('.', 1)[1].rsplit('.', 1)[0]}\n")
    os.utime(tree / "code.py", (1, 1))
    found = revision(tree)
    assert not list(tree.rglob("started"))
    assert found is not None
    assert not found.dirty


def test_a_submodule_starts_no_program_either(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    run(tmp_path / "other", "init", "--quiet")
    name = ("-c", "user.name=a", "-c", "user.email=a@b")
    run(tmp_path / "other", *name, "commit", "--quiet", "--allow-empty", "-m", "first")
    run(tree, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "sub")
    run(tree, *name, "commit", "--quiet", "-m", "sub")
    run(tree / "sub", "config", "core.fsmonitor", "touch started; false")
    assert revision(tree) is not None
    assert not list(tree.rglob("started"))


def test_reports_kept_elsewhere_change_nothing(tree: Path, tmp_path: Path) -> None:
    assert revision(tree, besides=tmp_path / "elsewhere") == revision(tree)


def test_no_work_tree_no_commit_or_no_git_is_none(tree: Path, tmp_path: Path, monkeypatch) -> None:
    assert revision(tmp_path) is None
    (tmp_path / "empty").mkdir()
    run(tmp_path / "empty", "init", "--quiet")
    assert revision(tmp_path / "empty") is None
    monkeypatch.setenv("PATH", os.devnull)
    assert revision(tree) is None
