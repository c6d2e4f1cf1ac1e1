"""The journal of a search: what a killed process leaves, and what others write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.errors import UsageError
from edgekit.verbs.search.journal import JOURNAL, LARGEST_BYTES, LOCK, Lock, check_journal, damage_named, drop_cut_line
from edgekit.verbs.search.study import kept_settings, opened, tried_in

pytest.importorskip("optuna")

BEGUN = b'{"op_code": 0, "worker_id": "a", "study_name": "search", "directions": [2]}\n'


@pytest.mark.parametrize(
    "content",
    [
        *(b"\xff\xfe\x00garbage\n", b"hello\n", b"{}\n", b'{"op_code": 99, "worker_id": "x"}\n', b"[1,2]\n"),
        *(
            b"[" * 200_000 + b"\n",
            b"\x00" * 100 + b"\n",
            b'{"op_code": 9' + b"9" * 5000 + b"}\n",
            BEGUN * 2 + b"x\n" + BEGUN,
        ),
        BEGUN + b'{"op_code": 2, "worker_id": "a", "study_id": 0, "user_attr": {"settings": {"x": 1}}}\n',
        BEGUN + b'{"op_code": 2, "worker_id": "a", "study_id": 0, "user_attr": {"settings": "x"}}\n',
    ],
)
def test_a_damaged_one_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / JOURNAL).write_bytes(content)
    with pytest.raises(UsageError, match="is damaged") as said:
        kept_settings(tmp_path)
    assert len(str(said.value)) < 500 + len(str(tmp_path))


def test_a_line_that_a_killed_process_cut_is_dropped(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(BEGUN + b'{"op_code": 2, "work')
    assert kept_settings(tmp_path) is None
    assert tried_in(tmp_path) == []
    assert b'"work{' not in (tmp_path / JOURNAL).read_bytes()
    assert (tmp_path / JOURNAL).read_bytes().startswith(BEGUN)
    (tmp_path / JOURNAL).write_bytes(b"x" * 100)
    drop_cut_line(tmp_path)
    assert (tmp_path / JOURNAL).read_bytes() == b""


def test_a_lock_that_a_killed_process_held_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("search")
    folder.mkdir()
    held = "from pathlib import Path; from edgekit.verbs.search.journal import Lock; import time\n"
    held += "Lock(Path('search')).acquire() and print(1, flush=True); time.sleep(100)"
    with subprocess.Popen([sys.executable, "-c", held], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"1\n"
        child.send_signal(signal.SIGKILL)
    # What an earlier version, or a killed process of it, left.
    (folder / f"{JOURNAL}.lock").symlink_to(folder / JOURNAL)
    begun = time.monotonic()
    assert len(opened(folder, None).get_trials()) == 0
    assert time.monotonic() - begun < 20


def test_the_lock_is_no_link_of_others(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / LOCK).symlink_to("precious")
    with pytest.raises(OSError, match=LOCK):
        Lock(tmp_path).acquire()


def test_pipes_folders_and_floods_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / JOURNAL)
    with pytest.raises(UsageError, match="is no file"):
        check_journal(tmp_path)
    (tmp_path / JOURNAL).unlink()
    with (tmp_path / JOURNAL).open("wb") as stream:
        stream.truncate(LARGEST_BYTES + 1)
    with pytest.raises(UsageError, match="MB"):
        kept_settings(tmp_path)


def test_other_errors_pass() -> None:
    with pytest.raises(UsageError, match="mine"), damage_named(Path()):
        raise UsageError("mine")
