"""Files and folders appear whole or not at all, whatever stops the writer."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import ToolError, UsageError
from edgekit.files import STAGING, alive, check_writable, sha256_file, staged_folder, sweep, write_atomic
from edgekit.owned import MARK


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != MARK)


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """A real process running ``program``; returns once it has printed a line."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "ready"
    return child


def end(child: subprocess.Popen[str], how: signal.Signals) -> None:
    child.send_signal(how)
    child.communicate(timeout=20)


HOLD = """
import sys, time
from pathlib import Path
from edgekit.files import staged_folder
with staged_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""
# Dies by SIGKILL after the old folder has stepped aside, before the new one is in place.
DIE_BETWEEN = """
import os, signal, sys
from pathlib import Path
from edgekit import files
real, calls = os.replace, []
def replace(source, target):
    if calls:
        os.kill(os.getpid(), signal.SIGKILL)
    calls.append(source)
    real(source, target)
files.os.replace = replace
with files.staged_folder(Path(sys.argv[1])) as folder:
    (folder / "new").write_text("new")
"""


@given(st.binary(max_size=4096))
def test_sha256_of_a_file(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("digest") / "file"
    path.write_bytes(content)
    assert sha256_file(path) == hashlib.sha256(content).hexdigest()


# One file


@pytest.mark.parametrize(("content", "stored"), [("é\n", b"\xc3\xa9\n"), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_write_makes_folders_and_replaces(tmp_path, content, stored):
    path = tmp_path / "a" / "b" / "file"
    write_atomic(path, "old")
    write_atomic(path, content)
    assert path.read_bytes() == stored
    assert names(path.parent) == ["file"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_full_disk_keeps_the_old_file(small_disk):
    path = small_disk / "file"
    write_atomic(path, "old")
    with pytest.raises(ToolError, match="No space left on device") as caught:
        write_atomic(path, bytes(1_000_000))
    assert str(path) in str(caught.value)
    assert "--out" in caught.value.hint
    assert path.read_text() == "old"
    assert names(small_disk) == ["file"]


def test_limit_on_file_size_keeps_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, "old")
    program = """
import resource, sys
from pathlib import Path
from edgekit.errors import ToolError
from edgekit.files import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]), bytes(5000))
except ToolError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"cannot write {path}: File too large"
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_read_only_folder(read_only):
    with pytest.raises(ToolError, match="Read-only file system"):
        write_atomic(read_only / "new" / "file", "x")
    with pytest.raises(ToolError, match="Read-only file system"), staged_folder(read_only / "artifact"):
        pytest.fail("there is nowhere to work in")


def test_a_file_where_a_folder_must_be(tmp_path):
    (tmp_path / "taken").write_text("x")
    for write in (
        lambda: write_atomic(tmp_path / "taken" / "file", "x"),
        lambda: staged_folder(tmp_path / "taken" / "artifact").__enter__(),
        lambda: staged_folder(tmp_path / "taken" / "deeper" / "artifact").__enter__(),
        lambda: check_writable(tmp_path / "taken"),
        lambda: check_writable(tmp_path / "taken" / "deeper"),
    ):
        with pytest.raises(UsageError, match="taken is a file where a folder is to be") as caught:
            write()
        assert caught.value.hint == "name another folder, or move the file away"
    assert (tmp_path / "taken").read_text() == "x"


def test_looking_whether_a_folder_can_be_written_leaves_none(tmp_path):
    check_writable(tmp_path / "out" / "deeper")
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    check_writable(tmp_path / "mine")
    assert names(tmp_path) == ["mine"]


# A folder


def test_folder_appears_at_the_end(tmp_path):
    final = tmp_path / "model" / "profile"
    with staged_folder(final) as folder:
        (folder / "file").write_text("new")
        assert folder.parent == final.parent
        assert not final.exists()
    assert names(final) == ["file"]
    assert names(final.parent) == ["profile"]
    assert final.stat().st_mode & 0o777 == 0o755


def test_folder_is_replaced_as_a_whole(tmp_path):
    final = tmp_path / "profile"
    for name in ("old", "new"):
        with staged_folder(final) as folder:
            (folder / name).write_text(name)
    assert names(final) == ["new"]
    assert names(tmp_path) == ["profile"]


@pytest.mark.parametrize("error", [ToolError("broken"), KeyboardInterrupt(), SystemExit(143), OSError(28, "full")])
@pytest.mark.parametrize("had_old", [False, True])
def test_exception_leaves_nothing_and_keeps_the_old_folder(tmp_path, error, had_old):
    final = tmp_path / "profile"
    if had_old:
        final.mkdir()
        (final / "old").write_text("old")
        (final / MARK).touch()

    def work() -> None:
        with staged_folder(final) as folder:
            (folder / "half").write_text("half")
            raise error

    with pytest.raises(type(error)):
        work()
    assert names(tmp_path) == (["profile"] if had_old else [])
    assert not had_old or names(final) == ["old"]


def test_full_disk_leaves_nothing(small_disk):
    final = small_disk / "profile"
    with staged_folder(final) as folder:
        (folder / "old").write_text("old")
    with pytest.raises(OSError, match="No space left"), staged_folder(final) as folder:
        (folder / "big").write_bytes(bytes(1_000_000))
    assert names(small_disk) == ["profile"]
    assert names(final) == ["old"]


# Processes that die


def test_leftovers_of_a_killed_process_are_swept(tmp_path):
    final = tmp_path / "profile"
    final.mkdir()
    (final / "old").write_text("old")
    (final / MARK).touch()
    end(start(HOLD, final), signal.SIGKILL)
    assert len(names(tmp_path)) == 2  # the old folder, and what the dead process left
    assert names(final) == ["old"]
    with staged_folder(final) as folder:
        assert names(tmp_path) == sorted([folder.name, "profile"])
    assert names(tmp_path) == ["profile"]


def test_interrupted_process_leaves_nothing(tmp_path):
    final = tmp_path / "profile"
    child = start(HOLD, final)
    end(child, signal.SIGINT)
    assert names(tmp_path) == []


def test_work_of_a_living_process_is_left_alone(tmp_path):
    final = tmp_path / "profile"
    child = start(HOLD, final)
    try:
        with staged_folder(final) as folder:
            (folder / "mine").write_text("mine")
        (theirs,) = [name for name in names(tmp_path) if name.startswith(STAGING)]
        assert names(tmp_path / theirs) == ["half"]
    finally:
        end(child, signal.SIGKILL)
    assert names(final) == ["mine"]


@pytest.mark.parametrize("other", ["profile-baked", "profile-io-int8", "profile-9"])
def test_work_on_a_longer_name_is_left_alone(tmp_path, other):
    child = start(HOLD, tmp_path / other)
    try:
        with staged_folder(tmp_path / "profile") as folder:
            (folder / "mine").write_text("mine")
        (theirs,) = [name for name in names(tmp_path) if name.startswith(STAGING)]
        assert names(tmp_path / theirs) == ["half"]
    finally:
        end(child, signal.SIGKILL)


def test_old_folder_that_had_stepped_aside_comes_back(tmp_path):
    final = tmp_path / "profile"
    final.mkdir()
    (final / "old").write_text("old")
    (final / MARK).touch()
    done = subprocess.run([sys.executable, "-c", DIE_BETWEEN, final], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert not final.exists()
    sweep(final)
    assert names(final) == ["old"]
    assert names(tmp_path) == ["profile"]


def test_alive():
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert alive(child.pid)  # not waited for yet: its number is not free
    child.wait()
    assert not alive(child.pid)
    assert alive(os.getpid())


def test_folder_does_not_replace_a_file(tmp_path):
    (tmp_path / "x").write_text("precious")
    with pytest.raises(UsageError, match="is a file where a folder is to be"), staged_folder(tmp_path / "x"):
        pytest.fail("the block must not run")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "precious"


def test_folders_above_go_with_a_failure_where_they_were_made_for_it(tmp_path):
    (tmp_path / "mine").mkdir()
    for above in ("mine/model", "out/model"):
        with pytest.raises(ToolError), staged_folder(tmp_path / above / "profile"):
            raise ToolError("it failed")
    assert names(tmp_path) == ["mine"]
    assert names(tmp_path / "mine") == []
    with staged_folder(tmp_path / "out" / "good" / "profile"):
        with pytest.raises(ToolError), staged_folder(tmp_path / "out" / "bad" / "profile"):
            raise ToolError("it failed")
        assert names(tmp_path / "out") == ["good"]
    assert names(tmp_path / "out" / "good") == ["profile"]


def test_a_signal_just_when_the_staging_folder_is_made_leaves_nothing(tmp_path, monkeypatch):
    make = Path.mkdir

    def make_and_stop(path, *args, **kwargs):
        make(path, *args, **kwargs)
        if path.name.startswith(STAGING):
            raise SystemExit(143)

    monkeypatch.setattr(Path, "mkdir", make_and_stop)
    with pytest.raises(SystemExit), staged_folder(tmp_path / "final"):
        pytest.fail("the block must not be entered")
    assert list(tmp_path.iterdir()) == []
