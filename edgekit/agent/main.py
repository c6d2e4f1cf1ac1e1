"""From the command line to a command and its answer."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Callable, Dict, List

from .commands.bench import bench
from .commands.count import count
from .commands.guard import guard
from .commands.info import info
from .commands.inspect import inspect
from .commands.install import install
from .commands.memory import memory
from .commands.outputs import outputs
from .commands.per_op import per_op
from .commands.roofline import roofline
from .commands.run import run
from .commands.sustained import sustained
from .commands.throughput import throughput
from .commands.turns import turns
from .cores import pin
from .protocol import AgentError, Json, emit, first_line, keep_protocol, read_request
from .state import state

COMMANDS: Dict[str, Callable[[Json], Json]] = {
    "info": info, "state": state, "guard": guard, "install": install, "run": run, "inspect": inspect, "bench": bench,
    "sustained": sustained, "per_op": per_op, "memory": memory, "roofline": roofline,
    "turns": turns, "outputs": outputs, "count": count, "throughput": throughput,
}  # fmt: skip


def answer(request: Json) -> Json:
    """Carry out a request."""
    command = request.get("command")
    if command not in COMMANDS:
        raise AgentError("request", "unknown command %r; known: %s" % (command, ", ".join(COMMANDS)))
    pin(request)
    return COMMANDS[command](request)


def main(arguments: List[str]) -> int:
    """Answer the request in the file ``arguments[0]``; the exit code."""
    keep_protocol()
    try:
        return tell(arguments)
    except BrokenPipeError as error:  # whoever asked has gone, or the connection to him
        sys.stderr.write("nobody reads the agent's output: %s\n" % error.strerror)
        return 1


def tell(arguments: List[str]) -> int:
    """Carry out the request and tell how it went; the exit code."""
    try:
        emit({"ok": True, "value": answer(read_request(arguments))})
        return 0
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  (the other side must hear of anything)
        emit(refusal(error))
    return 1


def refusal(error: Exception) -> Json:
    """What the other side is told of a request that failed."""
    if isinstance(error, AgentError):
        return {"ok": False, "kind": error.kind, "message": str(error)}
    traceback.print_exc()
    return {"ok": False, "kind": type(error).__name__, "message": type(error).__name__ + ": " + first_line(error)}


def leave_with_answer() -> None:
    """Answer the request that the command line names, and end this process."""
    code = main(sys.argv[1:])
    # The answer is out; some native runtimes crash while the interpreter shuts down.
    sys.stderr.flush()
    os._exit(code)
