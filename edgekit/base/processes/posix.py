"""POSIX functions that Windows lacks, with substitutes there, so that the core imports on both.

On Windows nothing is locked: two runs that work on one folder at the same time do not see each other.
"""

from __future__ import annotations

import errno
import getpass
import os
import signal
from contextlib import suppress

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

OWN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags of every file that we open by its descriptor: children do not inherit it, and bytes stay as they are."""
WAITS_FOR_NOTHING = getattr(os, "O_NONBLOCK", 0)
"""The flag by which no pipe is waited for."""
UNTRUSTED = OWN | getattr(os, "O_NOFOLLOW", 0) | WAITS_FOR_NOTHING
"""Those of a file that somebody else may have put there: no link is followed, no pipe waited for."""
MOVES_OPEN_FILES = os.name == "posix"
"""Whether a file can be renamed while it is open."""
HUNG_UP = tuple(signal.Signals[name] for name in ("SIGHUP",) if name in signal.Signals.__members__)
"""The signal of a terminal that closed, where there is one."""


def take_lock(opened: int, wait: bool) -> None:
    """Take the lock of an open file, which the system lets go when it is closed.

    Args:
        opened: its descriptor.
        wait: until it is free.

    Raises:
        BlockingIOError: another has it.
        OSError: the file system, or the whole system, has no locks: ``errno`` is one of ``locks.NO_LOCKS``.
    """
    if fcntl is None:
        raise OSError(errno.ENOLCK, "this system has no flock")
    fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def end_group(leader: int) -> None:
    """Kill a child and its whole process group; on Windows, which has no groups, the child alone."""
    with suppress(ProcessLookupError):  # the whole group has ended already
        if hasattr(os, "killpg"):
            os.killpg(leader, signal.SIGKILL)
        else:
            with suppress(OSError):
                os.kill(leader, signal.SIGTERM)


def user_name() -> str:
    """The name of the user who runs this, or the number where the system knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # by Python's version and system
        return f"user {os.geteuid()}" if hasattr(os, "geteuid") else "an unknown user"


def ours(owner: int) -> bool:
    """Whether a file's owner is the user who runs this; Windows, whose temporary folder is the user's, tells none."""
    return not hasattr(os, "geteuid") or owner == os.geteuid()
