"""What every command shares: the two output streams and the error boundary."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO

from ...base.clean import for_terminal
from ...base.processes.first import STOPPED
from ...base.processes.signals import INTERRUPTED, STOPS, stop_behind, unwind
from ...errors import EdgekitError, ToolError, UsageError

UNREAD = 141
"""As a shell names the end of a program whose output nobody reads: 128 and the number of SIGPIPE."""
LONGEST_MESSAGE = 500
NO_MEMORY, CLOSE_OTHERS = "there is not enough memory for this", "close other programs, or take less at a time"


def say(text: str) -> None:
    """One line for a person, on stderr."""
    write(for_terminal(text))


def say_some(lines: Sequence[str], most: int = 50) -> None:
    """Lines on stderr, or the first of very many and how many there are."""
    for line in lines[:most]:
        say(line)
    if len(lines) > most:
        say(f"... and {len(lines) - most} more such lines: --json has all")


def command(line: str) -> None:
    """A command to a CI runner, whose values are already escaped, on stderr."""
    write(line)


def write(text: str) -> None:
    """A line on stderr as it is."""
    try:
        print(text, file=sys.stderr)
    except OSError:  # nobody listens any more, which is no reason to stop
        deafen(sys.stderr)


def tell(text: str) -> None:
    """What a command is asked for as text, on stdout."""
    print(for_terminal(text))


def emit_json(value: Any) -> None:
    """One JSON document on stdout, in ASCII."""
    print(json.dumps(value, indent=2).replace("\x7f", "\\u007f"))


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
    """Turn an error into a line or two and its exit code; ``debug`` shows the traceback as well.

    Whatever happens, the code says what kind of failure it was: an exception that nobody foresaw ends with 3.
    """
    unwind()
    open_streams()
    try:
        with flushed():
            yield
    except EdgekitError as error:
        end(error, str(error), error.hint, error.exit_code, debug)
    except KeyboardInterrupt as error:
        end(error, STOPPED, "", INTERRUPTED, debug)
    except SystemExit as stop:
        if stop.code in STOPS:  # Typer has caught an interrupt and says nothing
            say(STOPPED)
        if isinstance(stop.__context__, BrokenPipeError):  # Typer makes it 1, which means a regression
            deafen(sys.stdout)
            raise SystemExit(UNREAD) from None
        raise
    except BrokenPipeError:
        # The reader of a pipe has gone: not an error of ours, and no more can be said on stdout.
        deafen(sys.stdout)
        raise SystemExit(UNREAD) from None
    except OSError as error:
        # A full or unreadable disk where no workflow expected one, such as the temporary folder.
        try:
            sys.stdout.flush()
        except OSError:  # it is stdout's own disk: what could not be written must not fail once more at the very end
            deafen(sys.stdout)
        # NumPy says "196608 requested and 61312 written" and no more.
        cause = error.strerror or f"a file was written in part ({error}): the disk is full"
        hint = f"free some space, or check the permissions; temporary files go to {temporary()} (TMPDIR)"
        end(error, f"{cause}{f': {error.filename}' if error.filename else ''}", hint, ToolError.exit_code, debug)
    except UnicodeEncodeError as error:
        if "surrogates" not in error.reason:
            unforeseen(error, debug)
        name = error.object[max(0, error.start - 80) : error.end + 80]
        end(error, f"a name is not valid UTF-8: {name!a}", "give it another name", UsageError.exit_code, debug)
    except Exception as error:  # noqa: BLE001 - the last resort
        unforeseen(error, debug)


@contextmanager
def flushed() -> Iterator[None]:
    """A block whose output has arrived when it ends: a full disk is noticed here, not when the interpreter ends."""
    try:
        yield
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def deafen(stream: TextIO) -> None:
    """From now on nobody gets what is written to ``stream``."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def end(error: BaseException, message: str, hint: str, code: int, debug: bool) -> NoReturn:
    """Say how it ended and leave."""
    if debug:
        say("".join(traceback.format_exception(error)).rstrip())
    say(message if code in STOPS else f"error: {message}")
    if hint:
        say(f"  try: {hint}")
    raise SystemExit(code) from None


def unforeseen(error: Exception, debug: bool) -> NoReturn:
    """End with a report for the issue tracker; as interrupted, where the error came on the way out of a stopped run."""
    code = stop_behind(error)
    if code is not None:
        end(error, STOPPED, "", code, debug)
    try:
        message, hint = reported(error, debug)
    except MemoryError:  # what writes the report does not fit in, either
        message, hint = NO_MEMORY, CLOSE_OTHERS
    end(error, message, "" if debug else hint, ToolError.exit_code, debug)


def reported(error: Exception, debug: bool) -> tuple[str, str]:
    """Message and hint of an error that nobody foresaw, with the file that reports on it."""
    from ..shared.fault import cleaned, write_fault

    what = type(error).__name__ if isinstance(error, MemoryError) else cleaned(f"{type(error).__name__}: {error}")
    message = f"this is a fault of edgekit: {what[:LONGEST_MESSAGE]}"
    path = None if debug else write_fault(error)
    hint = f"report it with {path}: versions, command and traceback" if path else "put --debug right behind edgekit"
    if isinstance(error, MemoryError):
        return NO_MEMORY, f"{CLOSE_OTHERS}; {hint} if that does not help"
    return message, hint


def temporary() -> str:
    """The folder for temporary files, in words where there is none."""
    import tempfile

    try:
        return tempfile.gettempdir()
    except OSError:
        return "a folder that is not there"


def open_streams() -> None:
    """Give a closed stdin, stdout or stderr an end that takes everything.

    Its number would otherwise become that of the next file that is opened, into which native code would then print.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # It gets the lowest free number: this one. Children inherit it.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - open as long as the process lives
