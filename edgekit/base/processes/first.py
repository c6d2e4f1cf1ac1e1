"""What the program does before all else: heed signals, before an import that takes time.

The interpreter's own start, and what the script that pip makes imports, come before and cannot be changed from here.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what signal is made of, which alone takes longer than all the rest
from os import _exit, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

STOPPED = "stopped; nothing half-written was left"
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def leave_at_once() -> None:
    """Before any work has begun: say so and go. An exception could be lost in the middle of an import."""
    for name in NAMES:
        number = getattr(_signal, name, None)  # Windows has no SIGHUP
        if number is not None and _signal.getsignal(number) != _signal.SIG_IGN:  # as nohup asks
            _signal.signal(number, leave)


def leave(number: int, _: FrameType | None) -> None:
    """End the process here and now."""
    write(2, f"{STOPPED}\n".encode())
    _exit(128 + number)
