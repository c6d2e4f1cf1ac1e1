"""What ends a run from outside: Ctrl-C, SIGTERM, and SIGHUP, which a closed terminal sends."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from .posix import HUNG_UP

INTERRUPTED = 130
ENDING = (signal.SIGTERM, *HUNG_UP)
STOPS = (INTERRUPTED, *(128 + number for number in ENDING))
"""Exit codes of a run that was ended from outside."""


def unwind() -> None:
    """From now on a signal becomes an exception, so that children and staging folders go."""
    heed(signal.SIGINT, signal.default_int_handler)
    for number in ENDING:
        heed(number, stop)


def at_the_end() -> None:
    """The work is done: while the interpreter shuts down a signal ends it, and nothing is printed."""
    for number in (signal.SIGINT, *ENDING):
        heed(number, signal.SIG_DFL)


def heed(number: signal.Signals, handler: object) -> None:
    """Handle a signal, unless whoever started us asked that it be ignored, as ``nohup`` does."""
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, handler)  # type: ignore[arg-type]


def stop_behind(error: BaseException) -> int | None:
    """The exit code of a run that was ended from outside while ``error`` was raised; None where it was not.

    What clears away on the way out may fail at what it finds half done, and then hides why it had to.
    """
    above: BaseException | None = error
    while above is not None:
        if isinstance(above, KeyboardInterrupt):
            return INTERRUPTED
        if isinstance(above, SystemExit) and above.code in STOPS:
            return int(str(above.code))
        above = above.__context__
    return None


def stop(number: int, _: FrameType | None) -> None:
    """Raise ``SystemExit`` with the shell's code for the signal; another one does not disturb the clearing away."""
    for ending in ENDING:
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(128 + number)
