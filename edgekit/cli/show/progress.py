"""Events of a long work on stderr, line by line. Warnings and ended jobs show wherever one looks."""

from __future__ import annotations

import os
import sys
import time

from ...base.progress import Event, JobEnded, PartDone, Warned
from .console import say


def on_terminal() -> bool:
    """True where somebody watches: stderr is a terminal, and of no CI job."""
    return sys.stderr.isatty() and not os.environ.get("CI")


class ProgressLines:
    """A line an event, with the time since the start and about what remains.

    Off a terminal: warnings, as they are, and a line as each of several jobs ends.
    """

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._shown = on_terminal()
        self._begun: dict[tuple[str, ...], float] = {}

    def __call__(self, event: Event) -> None:
        """Print the event. Jobs have begun with the run, parts of one with the first event about it."""
        elapsed = time.monotonic() - self._start
        begun = self._begun.setdefault(event.about, elapsed)
        if self._shown or (isinstance(event, JobEnded) and event.total > 1):  # of one alone the result tells
            spent = elapsed if isinstance(event, JobEnded) else elapsed - begun
            say(f"[{elapsed:6.1f} s] {counted(event, spent)}")
        elif isinstance(event, Warned):
            say(str(event))


def counted(event: Event, spent_s: float) -> str:
    """An event; of a part of a known whole also how many are done and about how long the others will take."""
    if not isinstance(event, PartDone):
        return str(event)
    text = f"{event.done}/{event.total} {event}"
    left = event.total - event.done
    return text if left <= 0 or event.done <= 0 else f"{text}; about {time_text(spent_s / event.done * left)} left"


def time_text(seconds: float) -> str:
    """A time as a person says it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
