"""What every command shares: the two output streams and the error boundary."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...base.signals import INTERRUPTED, STOPPED, unwind
from ...errors import EdgekitError, ToolError


def say(text: str) -> None:
    """One line for a person, on stderr."""
    print(text, file=sys.stderr)


def emit_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2))


def debugging() -> bool:
    """True with ``--debug``. Typer hands options to the callback only after parsing; errors come before, too."""
    return "--debug" in sys.argv[1:]


def error_lines(error: EdgekitError) -> list[str]:
    """An error that ended a part of the work only: what happened, what to try; the traceback with ``--debug``."""
    lines = [f"  {line}" for line in str(error).splitlines()]
    if error.hint:
        lines.append(f"  try: {error.hint}")
    if debugging():
        lines += [f"  {line}" for line in "".join(traceback.format_exception(error)).splitlines()]
    return lines


@contextmanager
def error_boundary(debug: bool) -> Iterator[None]:
    """Turn an :class:`EdgekitError` into two lines and its exit code; ``debug`` shows the traceback instead."""
    unwind()
    try:
        yield
    except EdgekitError as error:
        if debug:
            raise
        say(f"error: {error}")
        if error.hint:
            say(f"  try: {error.hint}")
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        if debug:
            raise
        say(STOPPED)
        raise SystemExit(INTERRUPTED) from None
    except SystemExit as end:
        if end.code == INTERRUPTED:  # Typer has caught the interrupt and says nothing
            say(STOPPED)
        raise
    except BrokenPipeError:
        # The reader of a pipe has gone: not an error of ours, and no more can be said on stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except OSError as error:
        # A full or unreadable disk where no workflow expected one, such as the temporary folder.
        if debug:
            raise
        import tempfile

        # NumPy says "196608 requested and 61312 written" and no more.
        cause = error.strerror or f"a file was written in part ({error}): the disk is full"
        say(f"error: {cause}{f': {error.filename}' if error.filename else ''}")
        say(f"  try: free some space, or check the permissions; temporary files go to {tempfile.gettempdir()} (TMPDIR)")
        raise SystemExit(ToolError.exit_code) from None
