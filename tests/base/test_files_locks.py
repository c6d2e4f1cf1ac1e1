"""Whose staging folder it is: locks, owners and age."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import time
from dataclasses import asdict

import pytest

from edgekit.base.files import (
    STAGING,
    staged_folder,
    sweep,
)
from edgekit.base.locks import STALE_S, lock_of, started, this_process
from tests.base.staging import names

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
