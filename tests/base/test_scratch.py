"""Temporary folders vanish with their run, at the latest with the next one."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edgekit.base.scratch import scratch_folder, sweep_scratch

HOLD = """
import time
from edgekit.base.scratch import scratch_folder
with scratch_folder("export") as folder:
    (folder / "big").write_text("x")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that nobody else uses."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nobody_else_reads_it_and_nothing_is_left(temporary: Path) -> None:
    with scratch_folder("export") as folder:
        assert folder.parent == temporary
        assert folder.name.startswith("edgekit-export-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("x")
        sweep_scratch()
        assert (folder / "file").exists()
    assert names(temporary) == []
    with pytest.raises(ValueError, match="mine"), scratch_folder():
        raise ValueError("mine")
    assert names(temporary) == []


def test_the_next_run_removes_what_a_killed_one_left(temporary: Path) -> None:
    (temporary / "edgekit-mine").mkdir()
    (temporary / "edgekit-export-0123456789ab").mkdir()  # without a lock: whose it is, nobody knows
    child = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    sweep_scratch()
    assert len(names(temporary)) == 4
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=20)
    assert len(names(temporary)) == 4
    subprocess.run([sys.executable, "-m", "edgekit", "models", "list"], check=True, capture_output=True)
    assert names(temporary) == ["edgekit-export-0123456789ab", "edgekit-mine"]


def test_a_temporary_folder_that_is_not_there_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/nowhere/at/all")
    sweep_scratch()
