"""Emulated phones as adb targets, started when reached and ended with the block."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...base.folders import boards_folder
from ...base.listener import Listener
from ...base.progress import Progress
from ...errors import ToolError
from ..adb_client import Phone, find_adb
from .build import build_system, check_tools

START_S, ONLINE_S = 60.0, 60.0


@contextmanager
def running(name: str, progress: Progress, home: Path | None = None) -> Iterator[Phone]:
    """The emulated phone ``name``, its system built first where it is missing; ``home`` is its /data/local/tmp.

    Raises:
        ToolError: this host cannot build or run it.
    """
    find_adb()
    check_tools()
    root = build_system(progress)
    folder = boards_folder() / name
    home = home or folder / "home"
    for made in (home, folder / "keys"):
        made.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "edgekit.devices.virtual.phone_start", name, str(root), str(home)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert child.stdin is not None
    heard = Listener(child)
    try:
        line = heard.line(time.monotonic() + START_S)
        if not line:
            child.kill()
            child.wait()
            raise ToolError(f"the emulated phone {name} did not start: {heard.said().strip()}")
        port, server = line.decode().split()
        # Its adb keys are not the user's: the server of the phone makes its own.
        phone = Phone(name, f"127.0.0.1:{port}", {"ANDROID_ADB_SERVER_PORT": server, "HOME": str(folder / "keys")})
        wait_online(phone)
        yield phone
    finally:
        child.stdin.close()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        heard.close()


def wait_online(phone: Phone) -> None:
    """Return when its daemon, which takes a moment to start, answers.

    Raises:
        ToolError: it does not.
    """
    deadline = time.monotonic() + ONLINE_S
    said = ""
    while time.monotonic() < deadline:
        phone.ask("connect", phone.serial)
        code, said = phone.ask("-s", phone.serial, "get-state")
        if code == 0 and said == "device":
            return
        phone.ask("disconnect", phone.serial)
        time.sleep(0.1)
    raise ToolError(f"the daemon of the emulated phone {phone.name} does not answer: {said}")
