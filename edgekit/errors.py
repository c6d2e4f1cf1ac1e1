"""The errors edgekit raises, and the exit code that each one means.

Library code raises; only ``edgekit.cli`` prints and exits. A message says what happened and the value seen;
``hint`` says what to do next.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class EdgekitError(Exception):
    """A failure with a cause and a next step.

    Attributes:
        hint: the next thing to try, or an empty string.
        exit_code: the process exit code that this kind of failure means.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class VerificationError(EdgekitError):
    """An artifact is not equal to its source within tolerance, or is not what it claims to be."""

    exit_code = 1


class UsageError(EdgekitError):
    """A wrong argument, name, option or configuration file, or a damaged file."""

    exit_code = 2


class ToolError(EdgekitError):
    """A converter, runtime, device or file system failed, or a needed package is missing."""

    exit_code = 3


class InconclusiveError(EdgekitError):
    """The measurement ended without a decision."""

    exit_code = 4


class NotComparableError(EdgekitError):
    """Two measurements were made under different conditions."""

    exit_code = 5


LISTED = 12
"""A longer list of known words helps no one in an error message."""


SHOWN = 160
"""Characters of a value: a hostile file may hold one of megabytes."""


def shown(value: object) -> str:
    """A value seen, for an error: as Python writes it, cut, with what may be a password in an address left out."""
    try:
        whole = repr(value)
    except (ValueError, RecursionError):  # a number of too many digits, or lists in lists in lists
        whole = f"<{type(value).__name__} that cannot be shown>"
    text = re.sub(r"//[^\s@]*@", "//…@", whole)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known words, or lists them all when none is near and they are few."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong.lower(), names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if len(names) > LISTED:
        return f"{len(names)} are known"
    return f"known: {', '.join(names)}" if names else ""
