"""Who works on what, as the file system's locks and the processes say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from edgekit.base.locks import alive, claimed, lock_of, owned, started


def test_alive():
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert alive(child.pid)  # not waited for yet: its number is not free
    child.wait()
    assert not alive(child.pid)
    assert alive(os.getpid())


def test_a_process_is_known_by_its_start():
    child = subprocess.Popen(["sleep", "9"])
    try:
        assert started("self") == started(os.getpid()) != ""
        assert int(started(child.pid)) >= int(started("self"))
    finally:
        child.kill()
        child.wait()
    assert started(child.pid) == ""


def test_a_folder_is_owned_as_long_as_the_block_runs(tmp_path):
    folder = tmp_path / "work"
    with owned(folder):
        folder.mkdir()
        with claimed(folder) as ours:
            assert not ours
        folder.rmdir()
    assert not lock_of(folder).exists()
    with claimed(folder) as ours:
        assert not ours  # there is nothing to clear away


@pytest.mark.parametrize("left", ["", "-gone"])
def test_what_could_not_be_removed_is_the_next_run_s_to_clear_away(tmp_path, left):
    folder = tmp_path / "work"
    leave = (
        "import sys; from pathlib import Path; from edgekit.base.locks import owned\n"
        "folder, left = map(Path, sys.argv[1:])\n"
        "with owned(folder, besides=[left]): left.mkdir()"
    )
    there = tmp_path / f"work{left}"
    subprocess.run([sys.executable, "-c", leave, folder, there], check=True)
    assert lock_of(folder).exists()
    with claimed(folder, besides=[there]) as ours:
        assert ours
    assert lock_of(folder).exists()  # it is still there
    with claimed(folder, besides=[there]) as ours:
        there.rmdir()
    assert not lock_of(folder).exists()


def test_an_owner_who_cannot_say_who_he_is_owns_nothing(tmp_path):
    crowded = (
        "import os, resource, sys; from pathlib import Path; from edgekit.base.locks import owned\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30)); last = 0\n"
        "while last < 29: last = os.dup(0)\n"
        "os.close(last)\n"
        "with owned(Path(sys.argv[1])): print('owned')"
    )
    done = subprocess.run(
        [sys.executable, "-c", crowded, tmp_path / "work"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, "Too many open files" in done.stderr) == ("", True)
    assert list(tmp_path.iterdir()) == []
