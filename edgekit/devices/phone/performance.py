"""Android's fixed performance mode (Android 11 and later): clocks that neither boost nor sag while we measure."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

MODE = "cmd power set-fixed-performance-mode-enabled"
HOLD = f"""
trap '' HUP
said=$({MODE} true 2>&1 </dev/null)
printf '%s %s\\n' "$?" "$(printf '%s' "$said" | tr '\\n' ' ')"
read -r _
{MODE} false >/dev/null 2>&1 </dev/null
"""
"""Switch it on, say how that went, and switch it off when stdin ends, however our end does."""


@contextmanager
def fixed_performance(way: Sequence[str]) -> Iterator[str]:
    """Hold the phone that ``way`` leads to in that mode during the block; ``on``, or why not, in the phone's words."""
    command = [*way, shlex.join(["exec", "sh", "-c", HOLD, "edgekit"])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        assert holder.stdout is not None
        code, _, said = holder.stdout.readline().decode(errors="replace").strip().partition(" ")
        yield "on" if code == "0" else f"refused: {said or 'no answer'}"
