"""What an adb server, or the phone behind it, answers is not trusted: a program in adb's place misbehaves."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from edgekit.base.progress import silent
from edgekit.devices.adb import AdbMachine
from edgekit.devices.adb_client import Phone
from edgekit.devices.ssh_errors import DeviceError

SOUND = {"get-state": 'print("device")', "features": 'print("shell_v2")', "start-server": "pass", "devices": "pass"}
ENDLESS = "while True: sys.stdout.write('edgekit\\n' * 1000)"


def hostile(folder: Path, monkeypatch: pytest.MonkeyPatch, **answers: str) -> Phone:
    """A phone whose adb answers so: statements of Python by verb, ``_`` for ``-``."""
    told = {**SOUND, **{verb.replace("_", "-"): text for verb, text in answers.items()}}
    cases = "\n".join(f"if verb == {verb!r}:\n    {text}" for verb, text in told.items())
    program = folder / "adb"
    program.write_text(
        f"#!{sys.executable}\nimport sys, time\n"
        f"words = sys.argv[3:] if sys.argv[1] == '-s' else sys.argv[1:]\nverb = words[0]\n{cases}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("EDGEKIT_ADB", str(program))
    return Phone("phone", "serial")


def refusal(phone: Phone) -> DeviceError:
    with pytest.raises(DeviceError) as caught, AdbMachine(phone, silent):
        pytest.fail("it was taken")
    return caught.value


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        (
            {"get_state": "sys.exit('error: no')", "devices": "[print(f'name{n}\\tdevice') for n in range(50_000)]"},
            "unreachable",
            "adb sees name0, name1",
        ),
        (
            {
                "get_state": "sys.exit('error: no')",
                "devices": "print('x' * 1_000_000 + '\\tdevice\\n\\t\\n \\tdevice')",
            },
            "unreachable",
            "adb sees xxx",
        ),
        ({"get_state": "print('y' * 1_000_000)"}, "unreachable", "(1000002 characters)"),
        ({"get_state": "print('\\x1b[2J\\x00')"}, "unreachable", "is in the state"),
        ({"get_state": ENDLESS}, "unreachable", "printed more than"),
        ({"features": ENDLESS}, "unreachable", "printed more than"),
        ({"shell": ENDLESS}, "shell", "printed 16384 bytes and more, and not that it is ready"),
        ({"shell": "sys.stdout.write('z' * 1_000_000); sys.stdout.flush(); time.sleep(60)"}, "shell", "printed a line"),
        ({"shell": "pass"}, "lost", "connection to phone was lost"),
    ],
)
def test_it_ends_soon_and_says_little(
    answers: dict[str, str], kind: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = time.monotonic()
    error = refusal(hostile(tmp_path, monkeypatch, **answers))
    assert (error.kind, len(str(error)) < 2500) == (kind, True), str(error)[:300]
    assert said in str(error)
    assert "\x1b" not in str(error)
    assert time.monotonic() - begin < 60  # for ever, or minutes of printing
