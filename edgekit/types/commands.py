"""Commands that a file gives for advice: its writer chose them, and a reader may paste them into a shell."""

from __future__ import annotations

import shlex

MADE_BY = ["edgekit", "export"]
LONGEST = 2000


def again(command: str, otherwise: str = "export it again") -> str:
    """Advice on making an artifact again: its command where that is one of ours, else ``otherwise``."""
    return f"export it again: {command}" if is_export(command) else otherwise


def is_export(command: str) -> bool:
    """True for ``edgekit export …`` as edgekit itself writes it: one line, in which a shell finds nothing to do."""
    if len(command) > LONGEST or not command.isprintable():
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return words[: len(MADE_BY)] == MADE_BY and shlex.join(words) == command
