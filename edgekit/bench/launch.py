"""Run the agent in a fresh process and speak its protocol: JSON lines, the last one the answer.

A :class:`Transport` decides where the agent runs; the protocol is the same everywhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..base.clean import visible
from ..base.listener import ExcessError, Listener
from ..base.processes.isolate import IDLE, as_json, describe_exit, last_lines, supervised, wait
from ..base.processes.posix import end_group
from ..base.scratch import scratch_folder
from ..errors import EdgekitError, ToolError, UsageError, shown
from ..types.answers import COMMAND_OF, Event, Refusal
from ..types.base import Frozen
from .agent_archive import AGENT_FILE, agent_archive
from .answers import SAME_VERSION, AnswerError, Conversation, SpoiltError, Value, checked

INSTALL = {
    "onnxruntime": "pip install onnxruntime",
    "litert": "pip install ai-edge-litert (old boards: tflite-runtime==2.14.0 with numpy below 2)",
    "openvino": "pip install openvino",
}
OTHER_CORES = "give --cores other cores of the device, at least as many as --threads, or leave it out"
OTHER_PYTHON = (
    "the device's entry in devices.toml names the interpreter of that environment: python = PATH; for this machine "
    "edgekit devices add NAME local --python PATH, then --device NAME"
)
"""How to use an environment that has an execution provider."""

FIX_SHAPE = "give every size: --input 1x3x224x224, or --input NAME=1x3x224x224 where there are several inputs"
NOISE = "does a login file there print something? commands over SSH must not"
UNBELIEVED = "does the Python there print something of its own (sitecustomize)? else do not trust the device"
LONGEST_MESSAGE = 4000
"""Most characters of an agent's message about its failure."""

OnEvent = Callable[[Event], None]
Kind = TypeVar("Kind", bound=Frozen)


class Transport(Protocol):
    """A machine with Python and the runtimes, to which files are sent and on which programs run."""

    def deliver(self, files: Sequence[Path]) -> list[str]:
        """Put ``files`` into one folder there and return their paths there, in order."""
        ...

    def command(self, program: str, argument: str) -> list[str]:
        """The command line that, run on this machine, runs a Python program on the other and passes its stdout on. Its
        stdin stays open as long as the program may run; when it closes, the program and its children must end.
        """
        ...

    def place(self, here: Path) -> str:
        """The path there of a file that the agent will write and :meth:`fetch` brings to ``here``."""
        ...

    def fetch(self, there: str, here: Path) -> None:
        """Bring a file from there to ``here``."""
        ...

    def explain(self, what: str, code: int | None, said: str) -> EdgekitError | None:
        """The error that explains how a program ended, by its exit code (None: it was stopped) and stderr; None if
        there is none.
        """
        ...

    @property
    def mark(self) -> bytes:
        """The line after which the program's own output begins; a login may print before it. Empty if there is no such
        line.
        """
        ...

    @property
    def where(self) -> str:
        """For messages: where a missing runtime is to be installed; empty for this machine."""
        ...


class ThisMachine:
    """This machine as a transport: files stay where they are, and an interpreter here runs the agent.

    Attributes:
        python: that interpreter, or None for the one that runs edgekit.
    """

    python: str | None = None
    where = ""
    mark = b""

    def __init__(self, python: str | None = None) -> None:
        if python is not None:
            self.python, self.where = python, f" (for {python})"

    def deliver(self, files: Sequence[Path]) -> list[str]:
        """The absolute paths of ``files``."""
        return [str(path.resolve()) for path in files]

    def command(self, program: str, argument: str) -> list[str]:
        """The interpreter, which runs an archive without its folder on the import path."""
        return [self.python or sys.executable, program, argument]

    def place(self, here: Path) -> str:
        """The absolute path of ``here``."""
        return str(here.resolve())

    def fetch(self, there: str, here: Path) -> None:
        """Nothing to do: the file was written in its place."""

    def explain(self, what: str, code: int | None, said: str) -> EdgekitError | None:
        """Nothing: on this machine the exit code is explanation enough."""


def call_agent(
    request: Mapping[str, Any], timeout_s: float, what: str, on_event: OnEvent | None = None, more_time: str = IDLE
) -> dict[str, Any]:
    """Carry out ``request`` in a fresh process on this machine; see :func:`run_agent`."""
    return run_agent(ThisMachine(), request, {}, timeout_s, what, on_event, more_time)


def ask_agent(
    answer: type[Kind],
    transport: Transport,
    request: Mapping[str, Any],
    files: Mapping[str, Sequence[Path]],
    timeout_s: float,
    what: str,
    on_event: OnEvent | None = None,
    more_time: str = IDLE,
) -> Kind:
    """Carry out the command that ``answer`` belongs to, with the rest of its request; see :func:`run_agent`."""
    asked: dict[str, Any] = {**request, "command": COMMAND_OF[answer]}
    _, found = carry_out(transport, asked, files, timeout_s, what, on_event, more_time)
    assert isinstance(found, answer), "the type that the command has"
    return found


def run_agent(
    transport: Transport,
    request: Mapping[str, Any],
    files: Mapping[str, Sequence[Path]],
    timeout_s: float,
    what: str,
    on_event: OnEvent | None = None,
    more_time: str = IDLE,
) -> dict[str, Any]:
    """As :func:`carry_out`, for programs that show or store the whole answer: its checked value, still as JSON."""
    return carry_out(transport, request, files, timeout_s, what, on_event, more_time)[0]


def carry_out(
    transport: Transport,
    request: Mapping[str, Any],
    files: Mapping[str, Sequence[Path]],
    timeout_s: float,
    what: str,
    on_event: OnEvent | None = None,
    more_time: str = IDLE,
) -> tuple[dict[str, Any], Frozen]:
    """Carry out ``request`` in a fresh agent process; the value that it answers, and the same as a typed value.

    Args:
        transport: where to run it.
        request: what the agent is asked, see ``edgekit.agent``: JSON, which the agent itself checks, since it imports
            nothing of edgekit.
        files: request key to the files that it needs there; the first is the one that the request names.
        timeout_s: after that the process and all it started are killed.
        what: the step in words, for messages ("measuring mobilenet_v2 on litert").
        on_event: called with every event.
        more_time: what to try when the time did not suffice.

    Raises:
        UsageError: the device has no such cores, or too few for the threads.
        AnswerError: the agent answered what no agent answers, too much, or out of bounds.
        ToolError: it refused otherwise, crashed or ran out of time.
    """
    request = dict(request)
    for key, group in files.items():
        request[key] = transport.deliver(group)[0]
    with scratch_folder() as folder:
        program, argument = transport.deliver(launch_files(folder, request))
        here = folder if isinstance(transport, ThisMachine) else None  # what it leaves goes with ours
        told = converse(transport.command(program, argument), timeout_s, on_event, transport.mark, here)
    if told.spoilt:
        raise AnswerError(f"{what} failed: the agent {told.spoilt}\n{last_lines(told.said)}".rstrip(), UNBELIEVED)
    if isinstance(told.answer, Refusal) or (told.answer is not None and told.code == 0):
        return taken(request, told.answer, what, transport.where)
    known = transport.explain(what, told.code, told.said)
    after = " after it had answered" if told.answer is not None else " without an answer" if told.code == 0 else ""
    hint = more_time if told.code is None else ""
    ended = f"{what} {describe_exit(told.code, timeout_s)}{after}"
    raise known or ToolError(f"{ended}\n{last_lines(told.said)}".rstrip(), hint)


def taken(
    request: Mapping[str, Any], answer: Value | Refusal, what: str, where: str = ""
) -> tuple[dict[str, Any], Frozen]:
    """The value of an answer, and the same as a typed value.

    Args:
        request: what the agent was asked.
        answer: what it told.
        what: the step in words, for messages.
        where: for messages: where a missing runtime is to be installed; empty for this machine.

    Raises:
        EdgekitError: as :func:`carry_out`, for an agent that refused or whose answer does not fit.
    """
    if isinstance(answer, Refusal):
        raise refused(answer, what, str(request.get("runtime")), where)
    try:
        return answer.value, checked(request, answer.value)
    except SpoiltError as error:
        raise AnswerError(f"{what} failed: the agent {error}", SAME_VERSION) from error


def refused(answer: Refusal, what: str, runtime: str, where: str) -> EdgekitError:
    """The error for an agent that refused, with its reason."""
    message = f"{what} failed: {visible(answer.message[:LONGEST_MESSAGE])}"
    if answer.kind == "cores":
        return UsageError(message, OTHER_CORES)
    if answer.kind == "open-shape":
        return UsageError(message, FIX_SHAPE)
    if answer.kind == "missing-provider":
        return ToolError(message, OTHER_PYTHON)
    missing = answer.kind == "missing-runtime" and runtime in INSTALL
    return ToolError(message, INSTALL[runtime] + where if missing else "")


def launch_files(folder: Path, request: Mapping[str, Any]) -> list[Path]:
    """The agent and its request, written to ``folder``."""
    agent, request_file = folder / AGENT_FILE, folder / "request.json"
    agent.write_bytes(agent_archive())
    request_file.write_text(as_json(request))
    return [agent, request_file]


@dataclass(frozen=True)
class Told:
    """The outcome of one launch of the agent.

    Attributes:
        code: its exit code; None when it was stopped.
        answer: the last message; None when there was none.
        said: the end of its stderr.
        spoilt: why reading stopped early, in words that follow "the agent"; empty when it did not.
    """

    code: int | None
    answer: Value | Refusal | None
    said: str
    spoilt: str = ""


def converse(
    command: list[str], timeout_s: float, on_event: OnEvent | None, mark: bytes = b"", temporary: Path | None = None
) -> Told:
    """Run ``command`` in a process group of its own, and read it until it ends, the time is over, or it breaks the
    protocol.

    Args:
        command: prints the protocol.
        timeout_s: after that it is killed.
        on_event: called with every event.
        mark: a line before which stdout is not the agent's; empty for none.
        temporary: for its temporary files.
    """
    conversation = Conversation(on_event or (lambda _: None))
    deadline = time.monotonic() + timeout_s
    child = start(command, temporary)
    assert child.stdin is not None
    spoilt, code = "", None
    with supervised(child):  # nothing that the agent started may outlive it, or hold its stdout open
        listener = Listener(child)
        try:
            noise = listener.skip_to(mark, deadline) if mark else b""
            line = noise
            while line is not None and (line := listener.line(deadline)):
                conversation.take(line)
            if line is not None:
                code = wait(child, max(0.0, deadline - time.monotonic()))
            if code == 0 and noise and not listener.marked:
                spoilt = f"did not begin: a login there printed {shown(noise[:100])} and ended"
        except (SpoiltError, ExcessError) as error:
            spoilt = str(error)
        finally:
            end_group(child.pid)
            child.stdin.close()
            listener.close()
    return Told(code, conversation.answer, visible(listener.said()), spoilt)


def start(command: list[str], temporary: Path | None) -> subprocess.Popen[bytes]:
    """Start a program that speaks by its pipes, in a process group of its own."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None if temporary is None else {**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
    )
