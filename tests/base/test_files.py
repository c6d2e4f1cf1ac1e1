"""Files and folders appear whole or not at all, whatever stops the writer."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.base.files import (
    check_place,
    check_regular,
    check_writable,
    sha256_file,
    staged_folder,
    write_atomic,
)
from edgekit.base.locks import STALE_S
from edgekit.errors import ToolError, UsageError
from tests.base.staging import names


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
    assert caught.value.hint == "free some space"
    with pytest.raises(ToolError) as caught:
        write_atomic(path, bytes(1_000_000), "--out")
    assert caught.value.hint == "free some space, or name another place with --out"
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
        lambda: check_writable(tmp_path / "taken", "--out"),
        lambda: check_writable(tmp_path / "taken" / "deeper", "--out"),
    ):
        with pytest.raises(UsageError, match="taken is a file where a folder is to be") as caught:
            write()
        assert caught.value.hint == "name another folder, or move the file away"
    assert (tmp_path / "taken").read_text() == "x"


def test_looking_whether_a_folder_can_be_written_leaves_none(tmp_path):
    check_writable(tmp_path / "out" / "deeper", "--out")
    check_writable(tmp_path, "--out")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    check_writable(tmp_path / "mine", "--out")
    assert names(tmp_path) == ["mine"]


def test_the_place_of_a_file_is_looked_at_before_the_work(tmp_path, read_only):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="folder is a folder where a file is to be") as caught:
        check_place(tmp_path / "folder", "--junit")
    assert caught.value.hint == "name a file with --junit"
    with pytest.raises(UsageError, match="file is a file where a folder is to be"):
        check_place(tmp_path / "file" / "page", "--out")
    with pytest.raises(ToolError, match="Read-only file system"):
        check_place(read_only / "page", "--out")
    for free in ("file", "new", "deep/new"):
        check_place(tmp_path / free, "--out")
    assert names(tmp_path) == ["file", "folder", "read-only"]
    with pytest.raises(UsageError, match="folder is a folder where a file is to be"):
        write_atomic(tmp_path / "folder", "x")
    assert names(tmp_path) == ["file", "folder", "read-only"]


# What is no file


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def link_to_zero(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


def link_into_the_kernel(path: Path) -> Path:
    path.symlink_to("/proc/self/pagemap")
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (pipe, "is a named pipe"),
        (link_to_zero, "leads to a device"),
        pytest.param(
            link_into_the_kernel,
            "leads to a file of the kernel",
            marks=pytest.mark.skipif(not os.path.ismount("/proc"), reason="only Linux makes up files as they are read"),
        ),
    ],
)
def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path, make, words):
    path = make(tmp_path / "report.html")
    with pytest.raises(UsageError, match=f"report.html {words} where a file is to be"):
        check_regular(path)
    with pytest.raises(UsageError, match=words):
        write_atomic(path, "x")
    with pytest.raises(UsageError, match=words):
        sha256_file(path)
    assert names(tmp_path) == ["report.html"]
    assert path.is_symlink() or not path.is_file()


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
