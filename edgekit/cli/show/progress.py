"""Events of a long work on stderr, line by line. Warnings show wherever one looks."""

from __future__ import annotations

import os
import sys
import time

from ...base.progress import Event, Warned
from .console import say


def on_terminal() -> bool:
    """True where somebody watches: stderr is a terminal, and of no CI job."""
    return sys.stderr.isatty() and not os.environ.get("CI")


class ProgressLines:
    """A line an event, with the time since the start; off a terminal warnings only, as they are."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._shown = on_terminal()

    def __call__(self, event: Event) -> None:
        """Print the event."""
        if self._shown:
            say(f"[{time.monotonic() - self._start:6.1f} s] {event}")
        elif isinstance(event, Warned):
            say(str(event))
