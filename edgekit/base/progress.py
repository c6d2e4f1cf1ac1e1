"""The progress of long work as typed events for any receiver. No code depends on their texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Event:
    """Something to tell a person.

    Attributes:
        text: in plain words.
        about: what it concerns, the widest first: a device, an artifact, a form.
    """

    text: str
    about: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ": ".join((*self.about, self.text))


class Step(Event):
    """A piece of work begins."""


class Finished(Event):
    """A piece of work has ended, well or not."""


@dataclass(frozen=True)
class PartDone(Event):
    """A part of a known whole is done.

    Attributes:
        done: parts that have ended, this one among them.
        total: all of them; an upper bound where the work may end before.
    """

    done: int = 0
    total: int = 0


class JobEnded(PartDone):
    """One of several jobs has ended, well or not: told wherever one looks, a log too."""


class Note(Event):
    """Something that helps to understand what is going on."""


class Warned(Event):
    """Something that is shown even when steps are not."""


Progress = Callable[[Event], None]
"""Takes the events of a long work; called from more than one thread where parts of it run side by side."""


def silent(event: Event) -> None:
    """Nobody wants to know."""


def telling(about: str, progress: Progress) -> Progress:
    """Tells ``progress`` every event as one about ``about``."""
    return lambda event: progress(replace(event, about=(about, *event.about)))
