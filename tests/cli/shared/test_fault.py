"""Whatever goes wrong, the exit code says what kind of failure it was, and a person is told what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.artifacts.tasks import Outcome
from edgekit.cli.shared.fault import cleaned, hide_values
from edgekit.cli.show.export import exit_code
from edgekit.errors import ToolError, VerificationError

# The real program, with a verb that fails as it is told.
PROGRAM = """
import sys
from edgekit import cli
def fail(*_, **__):
    {statement}
cli.app.registered_commands[:] = []
cli.app.command("fail", context_settings={{"ignore_unknown_options": True, "allow_extra_args": True}})(lambda: fail())
cli.main()
"""


def run(statement: str, *arguments: str, folder: Path, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM.format(statement=statement), *arguments]
    env = {**os.environ, "EDGEKIT_CACHE": str(folder), "HOME": "/home/me", "MY_API_TOKEN": "t0psecret-t0psecret"}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run(command, text=True, check=False, timeout=120, env=env, **options)  # type: ignore[call-overload]


def reports(folder: Path) -> list[Path]:
    return sorted((folder / "faults").glob("*")) if (folder / "faults").is_dir() else []


DEEP = "f = lambda n: f(n + 1)\n    f(0)"
UNFORESEEN = [
    ("raise KeyError('lost')", "KeyError: 'lost'"),
    ("1 / 0", "ZeroDivisionError: division by zero"),
    ("assert not 'sure'", "AssertionError"),
    (DEEP, "RecursionError: maximum recursion depth exceeded"),
    ("import http.client; raise http.client.IncompleteRead(b'x', 9)", "IncompleteRead"),
    ("import json, datetime; json.dumps(datetime.date(2024, 1, 1))", "TypeError: Object of type date"),
    ("b'\\xff'.decode()", "UnicodeDecodeError"),
    ("'caf\\xe9'.encode('ascii')", "UnicodeEncodeError"),
]


@pytest.mark.parametrize(("statement", "words"), UNFORESEEN)
def test_an_error_that_nobody_foresaw(tmp_path: Path, statement: str, words: str) -> None:
    done = run(statement, "fail", folder=tmp_path)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert f"error: this is a fault of edgekit: {words}" in done.stderr
    (report,) = reports(tmp_path)
    assert f"try: report it with {report}" in done.stderr
    text = report.read_text()
    assert text.startswith("edgekit ")
    assert "command: edgekit fail" in text
    assert "Traceback (most recent call last)" in text
    assert f"numpy {__import__('numpy').__version__}" in text
    assert report.stat().st_mode & 0o777 == 0o600


def test_debug_shows_the_traceback_and_keeps_the_code(tmp_path: Path) -> None:
    done = run("raise KeyError('lost')", "--debug", "fail", folder=tmp_path)
    assert done.returncode == 3
    assert "Traceback (most recent call last)" in done.stderr
    assert reports(tmp_path) == []
    done = run(
        "from edgekit.errors import UsageError; raise UsageError('wrong', 'right')", "--debug", "fail", folder=tmp_path
    )
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("error: wrong\n  try: right\n")


def test_no_memory(tmp_path: Path) -> None:
    statement = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31)); bytearray(1 << 40)"
    done = run(statement, "fail", folder=tmp_path)
    assert done.returncode == 3
    assert "error: there is not enough memory for this\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_not_even_memory_for_the_report(tmp_path: Path) -> None:
    full = "type('Full', (), {'find_spec': lambda *_: (_ for _ in ()).throw(MemoryError)})()"
    forget = "sys.modules.pop('edgekit.cli.shared.fault', None)"
    done = run(f"import sys; {forget}; sys.meta_path.insert(0, {full}); raise MemoryError", "fail", folder=tmp_path)
    assert done.returncode == 3
    assert done.stderr == (
        "error: there is not enough memory for this\n  try: close other programs, or take less at a time\n"
    )


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    done = run("'a\\udcff.tflite'.encode()", "fail", folder=tmp_path)
    assert done.returncode == 2
    assert r"error: a name is not valid UTF-8: 'a\udcff.tflite" in done.stderr


@pytest.mark.parametrize("number", [0, 1, 2])
def test_closed_streams(tmp_path: Path, number: int) -> None:
    """What is opened next must not get their number: it would get what native code prints."""
    statement = "import os; x = open(os.devnull); print(x.fileno()); raise KeyError('lost')"
    done = run(statement, "fail", folder=tmp_path, preexec_fn=lambda: os.close(number))
    assert done.returncode == 3
    assert len(reports(tmp_path)) == 1
    if number != 1:
        assert int(done.stdout) > 2


def test_an_unread_stderr_stops_nothing(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    statement = "from edgekit.cli.show.console import say; say('x'); say('y'); print('done'); raise KeyError('lost')"
    try:
        done = run(statement, "fail", folder=tmp_path, stderr=writing)
    finally:
        os.close(writing)
    assert done.returncode == 3
    assert done.stdout == "done\n"


def test_a_full_disk_behind_stdout(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run("print('x')", "fail", folder=tmp_path, stdout=full)
    assert done.returncode == 3
    assert done.stderr.startswith("error: No space left on device\n")
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("buffered", ["", "1"])
def test_an_unread_stdout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffered: str) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", buffered)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run("print('x')", "fail", folder=tmp_path, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_report_holds_no_secrets(tmp_path: Path) -> None:
    message = "https://me:hunter2@example.org/x?token=qrstuv Authorization: Bearer abcdefgh t0psecret-t0psecret"
    arguments = ("fail", "--api-key", "k3y-of-mine", "--password=pa55word", "--url", "http://u:p4ss@host/")
    done = run(f"raise KeyError({message!r})", *arguments, folder=tmp_path)
    assert done.returncode == 3
    text = reports(tmp_path)[0].read_text() + done.stderr
    for secret in ("hunter2", "qrstuv", "abcdefgh", "t0psecret", "k3y-of-mine", "pa55word", "p4ss"):
        assert secret not in text
    assert "example.org" in text


def test_a_report_goes_elsewhere_where_the_cache_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "tmp").mkdir()
    statement = f"import tempfile; tempfile.tempdir = {str(tmp_path / 'tmp')!r}; raise KeyError('lost')"
    done = run(statement, "fail", folder=tmp_path / "file")
    assert done.returncode == 3
    assert len(list((tmp_path / "tmp").glob("edgekit-fault-*.txt"))) == 1
    assert str(tmp_path / "tmp") in done.stderr


def test_hiding() -> None:
    assert hide_values(["--token", "x", "--out", "y", "--secret=z"])[:4] == ["--token", "(hidden)", "--out", "y"]
    assert cleaned(str(Path.home() / "x")) == "~/x"
    assert cleaned("the author wrote a keyboard") == "the author wrote a keyboard"


def outcome(status: str, error: Exception | None) -> Outcome:
    return Outcome("m", "p", status, 0.0, error=error)  # type: ignore[arg-type]


def test_a_runtime_that_was_killed_while_it_verified_is_no_failed_verification() -> None:
    killed = outcome("failed to verify", ToolError("running m p crashed with SIGKILL"))
    wrong = outcome("failed to verify", VerificationError("SQNR 3 dB"))
    assert exit_code([killed]) == 3
    assert exit_code([wrong]) == 1
    assert exit_code([killed, wrong]) == 1
    assert exit_code([outcome("converted", None)]) == 0
