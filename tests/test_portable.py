"""What works without POSIX: where Windows' Python lacks modules and names, the core imports and writes a report."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.base import files
from edgekit.base.processes import posix

ROOT = Path(__file__).parent.parent
MEASUREMENT = Path(__file__).parent / "data" / "report_v1.json"
AS_ON_WINDOWS = """
import os, pkgutil, platform, shutil, signal, subprocess, sys, tempfile, importlib
import numpy, pydantic, rich.console, rich.table, scipy.stats, typer  # these have ways of their own on Windows

ABSENT = {"fcntl", "resource", "pty", "tty", "termios", "grp", "pwd", "syslog", "posix"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
for name in ABSENT:
    sys.modules.pop(name, None)
NAMES = {
    signal: ("SIGHUP", "SIGKILL", "SIGPIPE", "SIGALRM", "SIGUSR1", "SIGCHLD", "SIGSTOP", "SIGQUIT", "pthread_sigmask"),
    os: ("geteuid", "getuid", "getgid", "killpg", "wait4", "fork", "setsid", "getpgid", "sched_getaffinity", "mkfifo",
         "sysconf", "getloadavg", "pread", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "chown"),
}
for module, names in NAMES.items():
    for name in names:
        delattr(module, name)
members = signal.Signals._member_map_
for name in NAMES[signal]:
    members.pop(name, None)
"""
LINUX_ALONE = ("edgekit.agent", "edgekit.devices.virtual.start", "edgekit.devices.virtual.phone_start")
"""Programs for a device, or for the emulated one: nothing else imports them."""
IMPORT_ALL = f"""
import edgekit
failed, seen = [], []
rooms = ["cli", "verbs", "base", "types", "gate", "reports", "select", "devices", "bench"]
for room in rooms:
    package = importlib.import_module(f"edgekit.{{room}}")
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if found.name.startswith({LINUX_ALONE!r}):
            continue
        try:
            importlib.import_module(found.name)
            seen.append(found.name)
        except Exception as error:
            if getattr(error, "name", None) == "torch":  # condense and train begin with it; the core has none
                continue
            failed.append(f"{{found.name}}: {{error!r}}")
import edgekit.program
assert len(seen) > 150, len(seen)
print("\\n".join(failed))
"""


def as_on_windows(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a fresh interpreter that lacks what Windows' lacks."""
    command = [sys.executable, "-c", AS_ON_WINDOWS + code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment, timeout=300)


def test_the_core_and_every_verb_import(tmp_path: Path) -> None:
    done = as_on_windows(IMPORT_ALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["", ""]


def test_the_report_is_written(tmp_path: Path) -> None:
    (tmp_path / "device_reports" / "local").mkdir(parents=True)
    shutil.copy(MEASUREMENT, tmp_path / "device_reports" / "local" / "one.json")
    code = "sys.argv = ['edgekit', 'report']\nfrom edgekit.program import main\nmain()"
    done = as_on_windows(code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<table" in (tmp_path / "device_reports" / "report.html").read_text()
    assert [path.name for path in (tmp_path / "device_reports").iterdir() if path.name.startswith(".report")] == []


def test_without_flock_work_goes_on_unlocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posix, "fcntl", None)
    monkeypatch.setattr(files, "MOVES_OPEN_FILES", False)
    files.write_atomic(tmp_path / "a.txt", "first")
    files.write_atomic(tmp_path / "a.txt", "second")
    with files.staged_folder(tmp_path / "folder") as staging:
        (staging / "b.txt").write_text("third")
    assert (tmp_path / "a.txt").read_text() == "second"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "folder"]


def test_without_process_groups_a_child_is_ended_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.base.processes.isolate import supervised, wait

    monkeypatch.delattr(os, "killpg")
    monkeypatch.delattr(os, "wait4")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with supervised(child):
        assert wait(child, 0.2) is None
    assert child.returncode not in (None, 0)
