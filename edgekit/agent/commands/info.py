"""The command ``info``."""

from __future__ import annotations

import platform
from typing import Optional

from ..machine import machine, room
from ..protocol import Json
from ..state import state
from ..versions import versions


def info(request: Optional[Json] = None) -> Json:
    """``info``: the machine, the versions installed on it, its state, the room that is left, and its C library."""
    return {
        "info": machine(),
        "versions": versions(),
        "state": state(),
        "free": room(),
        "glibc": platform.libc_ver()[1],
    }
