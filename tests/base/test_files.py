"""Files and folders appear whole or not at all, whatever stops the writer."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.base.files import (
    STAGING,
    check_regular,
    check_writable,
    replace_folder,
    restore,
    restore_all,
    sha256_file,
    staged_folder,
    sweep,
    write_atomic,
)
from edgekit.base.locks import LOCK, STALE_S, lock_of, started, this_process
from edgekit.base.owned import MARK
from edgekit.errors import ToolError, UsageError


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
from edgekit.base.files import write_atomic
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


def stepped_aside(folder: Path) -> Path:
    """What a writer that was killed between its two renames leaves in ``folder``."""
    staging = folder / f"{STAGING}profile-0123456789ab"
    for path, word in ((staging, "new"), (staging.with_name(staging.name + "-old"), "old")):
        path.mkdir()
        (path / "word").write_text(word)
    return folder / "profile"


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


# Locks of others


@pytest.mark.parametrize(
    ("owner", "days", "swept"),
    [
        ({}, 0, True),
        ({"boot": "another", "host": "another"}, 0, False),
        ({"boot": "another", "host": "another"}, 8, True),
        ({"boot": "another"}, 0, False),  # another machine of the same name, or this one before it was started anew
        ({"pids": "pid:[1]"}, 0, True),
        ({"pid": os.getpid(), "started": started("self")}, 8, False),
        ({"pid": os.getpid(), "started": "1"}, 0, True),
        ({"pid": "x"}, 0, False),
        ({"more": 1}, 0, False),
        (None, 0, False),
        (None, 8, True),
    ],
)
def test_a_free_lock_is_believed_only_where_this_kernel_keeps_it(tmp_path, owner, days, swept):
    ended = subprocess.Popen(["true"])
    ended.wait()
    staging = tmp_path / f"{STAGING}profile-0123456789ab"
    staging.mkdir()
    lock = lock_of(staging)
    said = {**asdict(this_process()), "pid": ended.pid, **(owner or {})}
    lock.write_text("half a rec" if owner is None else json.dumps(said))
    for path in (staging, lock):
        os.utime(path, (time.time() - days * 86400,) * 2)
    sweep(tmp_path)
    assert names(tmp_path) == ([] if swept else sorted([staging.name, lock.name]))


def test_a_staging_folder_without_a_lock_is_swept_when_it_is_old(tmp_path):
    staging = tmp_path / f"{STAGING}profile-0123456789ab"
    staging.mkdir()
    sweep(tmp_path)
    assert names(tmp_path) == [staging.name]
    os.utime(staging, (time.time() - STALE_S - 9,) * 2)
    sweep(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("known", [True, False])
def test_without_locks_the_owner_decides(tmp_path, monkeypatch, known):
    """A file system that refuses ``flock``: a process here is asked for; of another container nothing is known."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("edgekit.base.processes.posix.fcntl.flock", refuse)
    with staged_folder(tmp_path / "profile") as folder:
        if not known:
            said = json.loads(lock_of(folder).read_text())
            lock_of(folder).write_text(json.dumps({**said, "pids": "pid:[1]"}))
        sweep(tmp_path)
        assert folder.is_dir()
        (folder / "new").write_text("new")
    assert names(tmp_path) == ["profile"]


# Links


def test_a_link_in_the_place_of_the_folder_stays_a_link(tmp_path):
    (tmp_path / "disk" / "kept").mkdir(parents=True)
    (tmp_path / "disk" / "kept" / "old").write_text("old")
    (tmp_path / "disk" / "kept" / MARK).touch()
    final = tmp_path / "profile"
    final.symlink_to("disk/kept")
    with staged_folder(final) as folder:
        (folder / "new").write_text("new")
    assert final.is_symlink()
    assert names(final) == names(tmp_path / "disk" / "kept") == ["new"]
    assert names(tmp_path / "disk") == ["kept"]
    assert names(tmp_path) == ["disk", "profile"]


def test_a_link_whose_target_is_missing_gets_one(tmp_path):
    final = tmp_path / "profile"
    final.symlink_to(tmp_path / "disk" / "kept")
    with staged_folder(final) as folder:
        (folder / "new").write_text("new")
    assert final.is_symlink()
    assert names(tmp_path / "disk" / "kept") == ["new"]


def test_what_stepped_aside_behind_a_link_comes_back(tmp_path):
    (tmp_path / "disk").mkdir()
    place = stepped_aside(tmp_path / "disk")
    (tmp_path / "link").symlink_to(place)
    assert (restore(tmp_path / "link") / "word").read_text() == "old"


def test_a_link_to_a_file_or_to_itself_is_refused(tmp_path):
    (tmp_path / "file").write_text("precious")
    (tmp_path / "to-file").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="is a file where a folder is to be"), staged_folder(tmp_path / "to-file"):
        pytest.fail("the block must not run")
    with pytest.raises(UsageError, match="is a link that leads to itself"), staged_folder(tmp_path / "loop"):
        pytest.fail("the block must not run")
    assert names(tmp_path) == ["file", "loop", "to-file"]


# What is no file


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def link_to_zero(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


@pytest.mark.parametrize(("make", "words"), [(pipe, "is a named pipe"), (link_to_zero, "leads to a device")])
def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path, make, words):
    path = make(tmp_path / "report.html")
    with pytest.raises(UsageError, match=f"report.html {words} where a file is to be"):
        check_regular(path)
    with pytest.raises(UsageError, match=words):
        write_atomic(path, "x")
    assert names(tmp_path) == ["report.html"]
    assert not path.is_file()


def test_files_folders_and_nothing_are_what_they_are(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link", ".", "none", "none/none", "file/none", "a\0b"):
        assert check_regular(tmp_path / name) == tmp_path / name


# Temporary files


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from edgekit.base.files import write_atomic
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write_atomic(Path(sys.argv[1]), b"half")
"""
WRITE = """
import sys
from pathlib import Path
from edgekit.base.files import write_atomic
write_atomic(Path(sys.argv[1]), "")
"""


def test_the_temporary_file_of_a_killed_writer_goes_with_the_next_run(tmp_path):
    (tmp_path / ".report.html.mine").write_text("mine")
    for name in ("report.html", "report.md"):
        done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, tmp_path / name], check=False)
        assert done.returncode == -signal.SIGKILL
    left = [p for p in tmp_path.iterdir() if p.name != ".report.html.mine"]
    assert len(left) == 1  # the second removed the first's before it was killed itself
    other = tmp_path / ".report.html.00000000-00000000"  # of another machine
    other.write_text("")
    subprocess.run([sys.executable, "-c", WRITE, tmp_path / "report.csv"], check=True)
    assert names(tmp_path) == [other.name, ".report.html.mine", "report.csv"]
    os.utime(other, (time.time() - STALE_S - 9,) * 2)
    subprocess.run([sys.executable, "-c", WRITE, tmp_path / "report.csv"], check=True)
    assert names(tmp_path) == [".report.html.mine", "report.csv"]


def test_the_temporary_file_of_a_living_writer_stays(tmp_path, monkeypatch):
    sync = os.fsync

    def write_another(opened):
        sync(opened)
        monkeypatch.setattr(os, "fsync", sync)
        subprocess.run([sys.executable, "-c", WRITE, tmp_path / "another"], check=True)

    monkeypatch.setattr(os, "fsync", write_another)
    write_atomic(tmp_path / "file", "mine")
    assert names(tmp_path) == ["another", "file"]


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o077, 0o600, 0o700), (0o002, 0o664, 0o775)])
def test_the_umask_is_respected(tmp_path, mask, file, folder):
    before = os.umask(mask)
    try:
        write_atomic(tmp_path / "file", "x")
        with staged_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == file
    assert (tmp_path / "folder").stat().st_mode & 0o777 == folder


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
