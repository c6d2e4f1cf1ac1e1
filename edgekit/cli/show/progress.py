"""Events of a long work on stderr, line by line. Warnings and ended jobs show wherever one looks."""

from __future__ import annotations

import os
import sys
import time

from ...base.progress import Event, JobEnded, PartDone, Warned
from .console import say

QUIET_S = 60.0
"""How long a log stays without a line about a work whose parts end meanwhile: CI systems end jobs that say nothing."""


def on_terminal() -> bool:
    """True where somebody watches: stderr is a terminal, and of no CI job."""
    return sys.stderr.isatty() and not os.environ.get("CI")


class ProgressLines:
    """A line an event, with the time since the start and about what remains.

    Off a terminal: warnings, as they are, a line as each of several jobs ends, and while one lasts longer than
    :data:`QUIET_S` without a line, how far it is.
    """

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._shown = on_terminal()
        self._begun: dict[tuple[str, ...], float] = {}
        self._told_s = self._whole_s = 0.0

    def __call__(self, event: Event) -> None:
        """Print the event.

        Jobs have begun with the run; parts of one with the first event about it, or, where their own end is that, with
        the end of the whole before them.
        """
        elapsed = time.monotonic() - self._start
        if isinstance(event, PartDone):
            begun = self._begun.setdefault(event.about, self._whole_s)
            if event.done >= event.total:
                self._whole_s = elapsed
                del self._begun[event.about]
        else:
            begun = self._begun.setdefault(event.about, elapsed)
        ended = isinstance(event, JobEnded) and event.total > 1  # of one alone the result tells
        if self._shown or ended or (isinstance(event, PartDone) and elapsed - self._told_s >= QUIET_S):
            self._told_s = elapsed
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
