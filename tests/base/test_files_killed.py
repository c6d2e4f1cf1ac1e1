"""Writers that are killed, interrupted or run at the same time leave the old folder or the new one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edgekit.base.files import (
    STAGING,
    replace_folder,
    restore,
    restore_all,
    staged_folder,
    sweep,
)
from edgekit.base.locks import LOCK
from edgekit.base.owned import MARK
from edgekit.errors import ToolError
from tests.base.staging import names, stepped_aside


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
from edgekit.base.files import staged_folder
with staged_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""
# Replaces one folder by another again and again and dies by SIGKILL at each of its calls to the file system in turn;
# without "exchange" on a system that cannot let two folders change places. What is left is read, then written anew.
DIE_EVERYWHERE = """
import os, shutil, signal, sys
from pathlib import Path
from edgekit.base import files
from edgekit.base.owned import MARK
if sys.argv[2] != "exchange":
    files.exchange = lambda first, second: False
final, number, seen = Path(sys.argv[1]) / "profile", 0, set()

def write(word):
    with files.staged_folder(final) as folder:
        for name in ("a", "b"):
            (folder / name).write_text(word)

def content():
    shown = sorted(name for name in os.listdir(files.restore(final)) if name != MARK)
    return [(name, (files.restore(final) / name).read_text()) for name in shown]

def kill_at(number):
    left = [number]
    def hook(event, _):
        if event.split(".")[0] in ("os", "shutil", "fcntl") or event == "open":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

while True:
    number += 1
    write("old")
    pid = os.fork()
    if pid == 0:
        kill_at(number)
        write("new")
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if number % 2:  # every other time no reader comes by before the next writer
        found = content()
        assert found in ([("a", w), ("b", w)] for w in ("old", "new")), (number, found)
        seen.add(found[0][1])
    with files.staged_folder(final) as folder:
        found = content()
        assert found in ([("a", w), ("b", w)] for w in ("old", "new")), (number, found)
        (folder / "a").write_text("newest")
    assert content() == [("a", "newest")], content()
    assert os.listdir(sys.argv[1]) == ["profile"], (number, os.listdir(sys.argv[1]))
    if status == 0:
        break
print(number, sorted(seen))
"""


# Processes that die


def test_leftovers_of_a_killed_process_are_swept(tmp_path):
    final = tmp_path / "profile"
    final.mkdir()
    (final / "old").write_text("old")
    (final / MARK).touch()
    end(start(HOLD, final), signal.SIGKILL)
    assert len(names(tmp_path)) == 3  # the old folder; what the dead process left, and its lock
    assert names(final) == ["old"]
    with staged_folder(tmp_path / "another") as folder:
        assert names(tmp_path) == sorted([folder.name, folder.name + LOCK, "profile"])
    assert names(tmp_path) == ["another", "profile"]


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
        (theirs,) = [p.name for p in tmp_path.glob(f"{STAGING}*") if p.is_dir()]
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
        (theirs,) = [p.name for p in tmp_path.glob(f"{STAGING}*") if p.is_dir()]
        assert names(tmp_path / theirs) == ["half"]
    finally:
        end(child, signal.SIGKILL)


def unshared(program: str, *arguments: object) -> list[str]:
    """The command that runs ``program`` as the first process of a namespace of process ids."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare (util-linux)")
    if tried.returncode:
        pytest.skip(f"namespaces are not permitted here: {tried.stderr.strip()}")
    return [*command, sys.executable, "-c", program, *map(str, arguments)]


def test_work_in_another_container_is_left_alone(tmp_path):
    final = tmp_path / "profile"
    with subprocess.Popen(unshared(HOLD, final), stdout=subprocess.PIPE, text=True) as theirs:
        try:
            assert theirs.stdout.readline().strip() == "ready"
            ours = "import sys; from pathlib import Path; from edgekit.base.files import staged_folder\n"
            ours += "with staged_folder(Path(sys.argv[1])) as f: (f / 'mine').write_text('mine')"
            # From here, where their id is another process's or nobody's, and from a third container, where it is ours.
            for command in ([sys.executable, "-c", ours, str(final)], unshared(ours, final)):
                subprocess.run(command, check=True, timeout=60)
                (left,) = [p for p in tmp_path.glob(f"{STAGING}*") if p.is_dir()]
                assert names(left) == ["half"]
                assert names(final) == ["mine"]
        finally:
            theirs.kill()
            theirs.communicate(timeout=20)
    sweep_until_gone(tmp_path)
    assert names(tmp_path) == ["profile"]


def sweep_until_gone(folder: Path) -> None:
    """The kernel ends a namespace's processes a moment after the command that made it."""
    deadline = time.monotonic() + 10
    while list(folder.glob(f"{STAGING}*")) and time.monotonic() < deadline:
        sweep(folder)
        time.sleep(0.05)


@pytest.mark.parametrize("how", ["exchange", "two renames"])
def test_killed_at_any_call_a_reader_sees_old_or_new(tmp_path, how):
    command = [sys.executable, "-c", DIE_EVERYWHERE, str(tmp_path), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    number, seen = done.stdout.split(maxsplit=1)
    assert int(number) > 15
    assert seen.strip() == "['new', 'old']"


@pytest.fixture
def no_exchange(monkeypatch):
    """A file system on which two folders cannot change places."""
    monkeypatch.setattr("edgekit.base.files.exchange", lambda *_: False)


def test_readers_bring_back_what_had_stepped_aside(tmp_path):
    final = stepped_aside(tmp_path)
    assert (restore(final) / "word").read_text() == "old"
    assert (restore(final) / "word").read_text() == "old"
    (tmp_path / "model").mkdir()
    final = stepped_aside(tmp_path / "model")
    restore_all(tmp_path)
    assert (final / "word").read_text() == "old"
    assert restore(tmp_path / "none") == tmp_path / "none"
    restore_all(tmp_path / "none")


def test_a_reader_says_where_it_is_that_cannot_be_brought_back(tmp_path, monkeypatch):
    final = stepped_aside(tmp_path)

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("edgekit.base.files.os.replace", refuse)
    with pytest.raises(ToolError, match="cannot be brought back: Read-only file system") as caught:
        restore(final)
    assert caught.value.hint == f"mv {final.parent / (STAGING + 'profile-0123456789ab-old')} {final}"


@pytest.mark.usefixtures("no_exchange")
def test_a_reader_between_the_two_renames_costs_the_writer_nothing(tmp_path, monkeypatch):
    final, replace = tmp_path / "profile", os.replace
    for word in ("old", "new"):
        (tmp_path / word).mkdir()
        (tmp_path / word / MARK).touch()
        (tmp_path / word / "word").write_text(word)
    replace(tmp_path / "old", final)
    read = []

    def replace_and_read(source, target):
        replace(source, target)
        if Path(source) == final and not read:
            read.append((restore(final) / "word").read_text())

    staging = tmp_path / f"{STAGING}profile-0123456789ab"
    replace(tmp_path / "new", staging)
    monkeypatch.setattr("edgekit.base.files.os.replace", replace_and_read)
    replace_folder(staging, final)
    assert read == ["old"]
    assert (final / "word").read_text() == "new"
    assert names(tmp_path) == ["profile"]


@pytest.mark.usefixtures("no_exchange")
def test_what_cannot_be_put_in_place_leaves_the_old_folder_there(tmp_path, monkeypatch):
    final, replace = tmp_path / "profile", os.replace
    with staged_folder(final) as folder:
        (folder / "old").write_text("old")

    def replace_or_not(source, target):
        if Path(target) == final and not str(source).endswith("-old"):
            raise OSError(errno.EIO, "Input/output error")
        replace(source, target)

    monkeypatch.setattr("edgekit.base.files.os.replace", replace_or_not)
    with pytest.raises(ToolError, match="Input/output error"), staged_folder(final) as folder:
        (folder / "new").write_text("new")
    assert names(final) == ["old"]
    assert names(tmp_path) == ["profile"]


@pytest.mark.parametrize("how", ["exchange", "two renames"])
def test_two_writers_and_a_reader_at_the_same_time(tmp_path, how, monkeypatch):
    if how == "two renames":
        monkeypatch.setattr("edgekit.base.files.exchange", lambda *_: False)
    final = tmp_path / "profile"

    def write(word: str) -> None:
        for _ in range(60):
            with staged_folder(final) as folder:
                for name in ("a", "b"):
                    (folder / name).write_text(word)

    write("first")
    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write, word) for word in ("one", "two")]
        while not all(writer.done() for writer in writers):
            assert restore(final).parent == tmp_path
        for writer in writers:
            writer.result()
    assert names(tmp_path) == ["profile"]
    assert (final / "a").read_text() == (final / "b").read_text()
