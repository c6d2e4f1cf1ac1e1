"""Programs that never stop: each question to them ends by its deadline."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from edgekit.base.listener import Listener

ENDLESS = "import sys\nwhile True: sys.stdout.write('line\\n' * 1000)"


@pytest.fixture
def endless() -> Iterator[Listener]:
    child = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    listener = Listener(child)
    try:
        yield listener
    finally:
        child.kill()
        child.wait()
        listener.close()


def test_a_deadline_holds_though_the_next_line_is_there(endless: Listener) -> None:
    assert endless.line(time.monotonic() + 60) == b"line\n"
    assert endless.line(time.monotonic() - 1) is None
    assert endless.line(time.monotonic() + 60) == b"line\n"


def test_lines_without_end_are_read_until_the_deadline(endless: Listener) -> None:
    deadline = time.monotonic() + 0.5
    count = 0
    while endless.line(deadline):
        count += 1
    assert count > 0
    assert time.monotonic() >= deadline
