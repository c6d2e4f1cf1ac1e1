"""Rich's console as edgekit uses it: whatever it prints is cleaned, and no markup is read from texts."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ...base.clean import for_terminal

FILE_WIDTH = 160
"""Columns of output that no terminal shows, so that tables in logs stay whole."""


class Screen(Console):
    """A console whose texts cannot steer a terminal; its own colours and cursor are segments of another kind."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of ``renderable``, cleaned."""
        for segment in super().render(cleaned(renderable), options):
            text, style, control = segment
            yield segment if control else Segment(for_terminal(text), style)


def cleaned(renderable: RenderableType) -> RenderableType:
    """A text as it will be shown, so that it is wrapped at its real width."""
    if isinstance(renderable, str):
        return for_terminal(renderable)
    if not isinstance(renderable, Text) or for_terminal(renderable.plain) == renderable.plain:
        return renderable
    made = renderable.blank_copy(for_terminal(renderable.plain))
    made.stylize(renderable.spans[0].style if renderable.spans else "")
    return made


def on_stderr(width: int | None = FILE_WIDTH) -> Screen:
    """For people: as wide as the terminal, else ``width``; None asks the environment."""
    return wide_enough(Screen(stderr=True, markup=False), width)


def on_stdout(width: int | None = FILE_WIDTH) -> Screen:
    """For lists that are asked for: as wide as the terminal, else ``width``; None asks the environment."""
    return wide_enough(Screen(file=sys.stdout, markup=False), width)


def wide_enough(screen: Screen, width: int | None) -> Screen:
    """``screen``, with ``width`` columns where it is no terminal."""
    if width is not None and not screen.is_terminal:
        screen.width = width
    return screen
