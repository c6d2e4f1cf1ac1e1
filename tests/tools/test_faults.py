from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tools.faults.loop import Outcome
from tools.faults.page import page
from tools.faults.row import Row, growing, newest
from tools.faults.scenes import ROOT, SCENES, furnish, leftovers, problem
from tools.faults.shim import Class, Fault, Seen, Shim, environment
from tools.faults.staged import STAGED
from tools.faults.turns import numbers, words

WRITES = """
import os, subprocess, sys
os.mkdir("a")
with open("a/b", "w") as stream:
    stream.write("x")
    stream.flush()
    os.fsync(stream.fileno())
subprocess.run([sys.executable, "-c", "with open('a/c', 'w') as stream: stream.write('x')"], check=True)
os.replace("a/b", "a/d")
os.unlink("a/d")
"""
MADE = ["mkdir", "open", "write", "fsync", "execve", "open", "write", "rename", "unlink"]


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(tmp_path_factory.mktemp("shim"))


def run(preloaded: dict[str, str], folder: Path, fault: Fault) -> tuple[subprocess.CompletedProcess[str], Seen]:
    shim = Shim(Path(preloaded["FAULT_STATE"]))
    with shim.watching(folder, fault):
        done = subprocess.run(
            [sys.executable, "-c", WRITES],
            cwd=folder, env={**os.environ, **preloaded}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    return done, shim.seen


def test_each_operation_is_counted_and_fails_when_it_is_its_turn(preloaded: dict[str, str], tmp_path: Path) -> None:
    # The first program is started by us, who do not have the shim.
    kinds = {"execve": Class.STARTING, "unlink": Class.REMOVING}
    for at in range(len(MADE) + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        done, seen = run(preloaded, folder, Fault(at, code=errno.EIO))
        if at == 0:
            assert done.returncode == 0, done.stderr
            assert seen == Seen(tuple(kinds.get(name, Class.WRITING) for name in MADE), 0, "")
            continue
        assert (seen.fired, done.returncode) == (1, 1), (MADE[at - 1], done.stderr)
        assert MADE[at - 1] in seen.text
        assert ("Resource temporarily unavailable" if MADE[at - 1] == "execve" else "Input/output") in done.stderr


def test_for_good_and_killed(preloaded: dict[str, str], tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    done, seen = run(preloaded, tmp_path / "a", Fault(2, for_good=True, code=errno.ENOSPC))
    assert seen.text.endswith("open a/b")
    assert "No space left" in done.stderr
    done, _ = run(preloaded, tmp_path / "b", Fault(4, kill=signal.SIGKILL))
    assert done.returncode == -signal.SIGKILL
    done, seen = run(preloaded, tmp_path / "c", Fault(7, kill=signal.SIGKILL))
    assert done.returncode == 1
    assert "died with <Signals.SIGKILL: 9>" in done.stderr
    assert seen.text.endswith("a/c")


def test_what_is_neither_old_nor_new_or_left_over_is_seen(tmp_path: Path) -> None:
    report = next(scene for scene in SCENES if scene.name == "report")
    furnish(tmp_path / "place", report)
    pages = tmp_path / "place" / "work" / "device_reports"
    pages.mkdir()
    for name, text in (("report.html", "<html></html>\n"), ("report.md", "# a"), ("report.csv", "a\nb\n")):
        (pages / name).write_text(text)
    assert problem(report, tmp_path / "place") is None
    (pages / "report.html").write_text("<html>")
    assert problem(report, tmp_path / "place") == "neither old nor new: report.html is cut"
    for scene in SCENES[1:4]:
        assert str(problem(scene, tmp_path / "place")).startswith("neither old nor new: no ")
    assert leftovers(tmp_path / "place") == []
    (pages / ".report.md.55e65dd0-ad3dad1c").touch()
    (tmp_path / "place" / "tmp" / "edgekit-0123456789ab").mkdir()
    assert leftovers(tmp_path / "place") == [
        "tmp/edgekit-0123456789ab",
        "work/device_reports/.report.md.55e65dd0-ad3dad1c",
    ]


def test_a_broken_promise_is_on_the_page() -> None:
    kept = Outcome("report", "EIO: open x", 3, ())
    broken = Outcome("report", "EIO: open | y", None, ("it did not end",))
    *_, row = growing(Row("fails", "report", "whole", 0, {}), [kept, broken])
    assert row == Row("fails", "report", "whole", 2, {"3": 1, "did not end": 1}, 1, ("EIO: open | y: it did not end",))
    text = page({"where": "here", "revision": "abc", "when": "now", "rows": [asdict(row)]})
    assert "**2 faults, 0 of them kills; 1 broke a promise.**" in text
    assert "| 2 | 3 × 1, did not end × 1 | **1 broken**<br>EIO: open / y: it did not end |" in text


def test_a_run_that_is_ended_leaves_what_it_has_found() -> None:
    outcomes = (Outcome("export", "EIO: open x", 3, (), at) for at in (4, 5, 7))
    seen = growing(Row("fails", "export", "whole", 0, {}, of=9), outcomes)
    assert [(row.tried, row.at, row.of) for row in seen] == [(0, "", 9), (1, "4", 9), (2, "4-5", 9), (3, "4-5,7", 9)]


def test_runs_over_other_operations_add_up() -> None:
    first = Row("fails", "export", "whole", 3, {"0": 1, "3": 2}, of=9, at="1-3")
    second = Row("fails", "export", "whole", 2, {"3": 2}, 1, ("x",), of=9, at="4,6")
    assert newest(second, first) == Row("fails", "export", "whole", 5, {"0": 1, "3": 4}, 1, ("x",), of=9, at="1-4,6")
    # The same operation twice, another count of operations, or a run that wrote none down: the newer one counts.
    for earlier in (replace(first, at="3-5"), replace(first, of=8), replace(first, at="")):
        assert newest(second, earlier) == second


def test_operations_as_text() -> None:
    assert numbers("") == frozenset()
    assert numbers("1-3,7") == {1, 2, 3, 7}
    assert words([7, 1, 3, 2, 3]) == "1-3,7"
    assert words([]) == ""


@pytest.mark.parametrize(("name", "every"), [("report", 6), ("profile", 20)])
def test_a_sample_of_the_faults(name: str, every: int, tmp_path: Path) -> None:
    """Every Nth operation fails once, for good, is the last before a kill, and meets a signal."""
    command = [sys.executable, "-m", "tools.faults", "--only", name, "--every", str(every), "--loop-only"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [Row.from_plain(plain) for plain in json.loads((tmp_path / "faults.json").read_text())["rows"]]
    assert [row.command for row in rows] == [name] * 4
    assert all(row.tried >= 2 for row in rows)
    assert all(len(numbers(row.at)) == row.tried for row in rows)


def test_the_published_page() -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "faults.json").read_text())
    assert (ROOT / "docs" / "results" / "faults.md").read_text() == page(results)


def test_what_tests_bring_about_is_there() -> None:
    for one in STAGED:
        path, _, name = one.test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(), one.test
