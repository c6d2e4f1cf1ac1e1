"""Android's fixed performance mode (Android 11 and later): the clocks stay the same while we measure."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...base.clean import visible
from ...base.listener import ExcessError, Listener
from ...errors import ToolError

ANSWER_S, LONGEST_LINE, LONGEST_WORD = 30.0, 1 << 16, 300
MODE = "cmd power set-fixed-performance-mode-enabled"
HOLD = f"""
trap '' HUP
said=$({MODE} true 2>&1 </dev/null)
printf '%s %s\\n' "$?" "$(printf '%s' "$said" | tr '\\n' ' ')"
read -r _
{MODE} false >/dev/null 2>&1 </dev/null
"""
"""Switch it on, report the result, and switch it off when stdin ends, whatever ends us."""


@contextmanager
def fixed_performance(way: Sequence[str]) -> Iterator[str]:
    """Keep the phone that ``way`` leads to in that mode during the block; gives ``on``, or the phone's refusal."""
    command = [*way, shlex.join(["exec", "sh", "-c", HOLD, "edgekit"])]
    # In our process group, so that it ends with us, however that is.
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert holder.stdin is not None
    heard = Listener(holder, LONGEST_LINE)
    try:
        line = heard.line(time.monotonic() + ANSWER_S)
        code, _, said = visible((line or b"").decode(errors="replace")).strip().partition(" ")
        yield "on" if code == "0" else f"refused: {said[:LONGEST_WORD] or 'no answer'}"
    except ExcessError as error:
        holder.kill()
        raise ToolError(f"asked for its fixed performance mode, the phone {error}", "is it a phone?") from error
    finally:
        holder.stdin.close()  # which has it switched off
        try:
            holder.wait(timeout=ANSWER_S)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()
        heard.close()
