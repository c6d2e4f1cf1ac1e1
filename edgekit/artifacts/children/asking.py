"""Ask the agent about a file on this machine, in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...base.processes.isolate import IDLE, run_named
from ...base.processes.warm import is_warm
from ...bench.answers import SAME_VERSION, AnswerError, SpoiltError, Value, parse
from ...bench.launch import Kind, ThisMachine, ask_agent, taken
from ...types import Runtime
from ...types.answers import COMMAND_OF, Refusal
from . import agent_jobs
from .imports import RUNTIMES

TOLD = f"{agent_jobs.__name__}:{agent_jobs.told.__name__}"


def ask_here(
    answer: type[Kind],
    runtime: Runtime,
    request: Mapping[str, Any],
    timeout_s: float,
    what: str,
    more_time: str = IDLE,
) -> Kind:
    """Carry out the command that ``answer`` belongs to; nothing is to be timed.

    Inside :func:`~edgekit.base.processes.warm.warm` the process is forked from an interpreter that has imported the
    runtime, which takes longer than to run a small network. It answers the same as the agent's own program.

    Args:
        answer: the type of the answer.
        runtime: that runs the file.
        request: the rest of what the agent is asked, see ``edgekit.agent``: JSON.
        timeout_s: after that the process is killed.
        what: the step in words, for messages.
        more_time: what to try when the time did not suffice.

    Raises:
        EdgekitError: as :func:`~edgekit.bench.launch.carry_out`.
    """
    asked = {**request, "runtime": runtime, "command": COMMAND_OF[answer]}
    if not is_warm():
        return ask_agent(answer, ThisMachine(), asked, {}, timeout_s, what, more_time=more_time)
    said = run_named(TOLD, asked, timeout_s, what, more_time=more_time, imports=RUNTIMES[runtime])
    try:
        message = parse(json.dumps(said).encode())
    except SpoiltError as error:
        raise AnswerError(f"{what} failed: the agent {error}", SAME_VERSION) from error
    assert isinstance(message, Value | Refusal), "no command that is asked here tells events"
    _, found = taken(asked, message, what)
    assert isinstance(found, answer), "the type that the command has"
    return found
