"""Run the agent in a fresh process and speak its protocol: JSON lines, the last one the answer.

Where it runs is a :class:`Transport`'s business; what is said is the same everywhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from ..base.isolate import IDLE, describe_exit, supervised, tail, wait
from ..base.scratch import scratch_folder
from ..errors import EdgekitError, ToolError, UsageError
from .agent_archive import AGENT_FILE, agent_archive

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
"""What to do with an environment that has an execution provider."""

FIX_SHAPE = "give every size: --input 1x3x224x224, or --input NAME=1x3x224x224 where there are several inputs"

OnEvent = Callable[[dict[str, Any]], None]


class Transport(Protocol):
    """A machine that has Python and the runtimes: files go there, a program runs there."""

    def deliver(self, files: Sequence[Path]) -> list[str]:
        """Put ``files`` into one folder there and return their paths there, in order."""
        ...

    def command(self, program: str, argument: str) -> list[str]:
        """The command line, to be run here, that runs a Python program there with its stdout on ours.

        Its stdin stays open as long as the program may run; when it closes, nothing of it may live on.
        """
        ...

    def place(self, here: Path) -> str:
        """The path there of a file that the agent will write and :meth:`fetch` brings to ``here``."""
        ...

    def fetch(self, there: str, here: Path) -> None:
        """Bring a file from there to ``here``."""
        ...

    def explain(self, what: str, code: int | None, said: str) -> EdgekitError | None:
        """The error that the end of a program means, by its exit code (None: it was stopped) and stderr, if any."""
        ...

    @property
    def where(self) -> str:
        """For messages: where a missing runtime is to be installed; empty for this machine."""
        ...


class ThisMachine:
    """No distance at all: files stay where they are, and an interpreter here runs the agent.

    Attributes:
        python: that interpreter, or None for the one that runs edgekit.
    """

    python: str | None = None
    where = ""

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
        """Nothing: an exit code of this machine speaks for itself."""


def call_agent(
    request: dict[str, Any], timeout_s: float, what: str, on_event: OnEvent | None = None, more_time: str = IDLE
) -> dict[str, Any]:
    """Carry out ``request`` in a fresh process on this machine; see :func:`run_agent`."""
    return run_agent(ThisMachine(), request, {}, timeout_s, what, on_event, more_time)


def run_agent(
    transport: Transport,
    request: dict[str, Any],
    files: Mapping[str, Sequence[Path]],
    timeout_s: float,
    what: str,
    on_event: OnEvent | None = None,
    more_time: str = IDLE,
) -> dict[str, Any]:
    """Carry out ``request`` in a fresh agent process and return the value it answers.

    Args:
        transport: where to run it.
        request: what the agent is asked, see ``edgekit.agent``.
        files: request key to the files that it needs there; the first is the one that the request names.
        timeout_s: after that the process and all it started are killed.
        what: the step in words, for messages ("measuring mobilenet_v2 on litert").
        on_event: called with every progress message, from another thread.
        more_time: what to try when the time did not suffice.

    Raises:
        UsageError: the device has no such cores, or too few for the threads.
        ToolError: the agent refused otherwise, crashed, ran out of time or answered something that is not its protocol.
    """
    request = dict(request)
    for key, group in files.items():
        request[key] = transport.deliver(group)[0]
    with scratch_folder() as folder:
        agent, request_file, log = launch_files(folder, request)
        program, argument = transport.deliver([agent, request_file])
        here = folder if isinstance(transport, ThisMachine) else None  # what it leaves goes with ours
        code, answer, garbage = converse(transport.command(program, argument), log, timeout_s, on_event, here)
        if answer is not None and answer["ok"] and not garbage:
            return dict(answer["value"])
        if answer is not None and not answer["ok"]:
            missing = answer["kind"] == "missing-runtime" and str(request.get("runtime")) in INSTALL
            hint = INSTALL[str(request["runtime"])] + transport.where if missing else ""
            if answer["kind"] == "cores":
                raise UsageError(f"{what} failed: {answer['message']}", OTHER_CORES)
            if answer["kind"] == "missing-provider":
                hint = OTHER_PYTHON
            if answer["kind"] == "open-shape":
                raise UsageError(f"{what} failed: {answer['message']}", FIX_SHAPE)
            raise ToolError(f"{what} failed: {answer['message']}", hint)
        if garbage:
            said = f"the agent printed {garbage[0][:200]!r}, which is not its protocol"
            hint = "does a login file there print something? commands over SSH must not" if transport.where else ""
            raise ToolError(f"{what} failed: {said}\n{tail(log)}".rstrip(), hint)
        known = transport.explain(what, code, log.read_text(errors="replace"))
        hint = more_time if code is None else ""
        raise known or ToolError(f"{what} {describe_exit(code, timeout_s)}\n{tail(log)}".rstrip(), hint)


def launch_files(folder: Path, request: Mapping[str, Any]) -> tuple[Path, Path, Path]:
    """The agent and its request, written to ``folder``, and where its stderr goes."""
    agent, request_file = folder / AGENT_FILE, folder / "request.json"
    agent.write_bytes(agent_archive())
    request_file.write_text(json.dumps(request))
    return agent, request_file, folder / "stderr.txt"


def converse(
    command: list[str], log: Path, timeout_s: float, on_event: OnEvent | None, temporary: Path | None = None
) -> tuple[int | None, dict[str, Any] | None, list[str]]:
    """Run ``command`` in a process group of its own, its stderr to ``log``, its temporary files in ``temporary``.

    Returns:
        The exit code (None after a timeout), the answer (None when there was none), and lines outside the protocol.
    """
    answers: list[dict[str, Any]] = []
    garbage: list[str] = []

    def listen(stream: IO[bytes]) -> None:
        for line in stream:
            message = parse(line)
            if message is None:
                garbage.append(line.decode(errors="replace").rstrip())
            elif "ok" in message:
                answers.append(message)
            elif on_event is not None:
                on_event(message)

    with log.open("wb") as stderr:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=None if temporary is None else {**os.environ, "TMPDIR": str(temporary)},
            start_new_session=True,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        listener = threading.Thread(target=listen, args=(child.stdout,), daemon=True)
        listener.start()
        try:
            with supervised(child):  # nothing that the agent started may outlive it, or hold its stdout open
                code = wait(child, timeout_s)
        finally:
            child.stdin.close()
            listener.join(timeout=5)
            child.stdout.close()
    return code, (answers[-1] if answers and code is not None else None), garbage


def parse(line: bytes) -> dict[str, Any] | None:
    """A message of the protocol, or None for anything else."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    if message.get("ok") is True:
        return message if isinstance(message.get("value"), dict) else None
    if message.get("ok") is False:
        return message if {"kind", "message"} <= message.keys() else None
    return message if "event" in message else None
