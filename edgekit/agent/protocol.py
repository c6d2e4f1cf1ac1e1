"""The protocol: requests as JSON, answers as JSON lines on stdout, and the error that ends a command."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List

# typing's alias serves Python 3.7, where dict[str, Any] is not subscriptable at run time.
Json = Dict[str, Any]


class AgentError(Exception):
    """A failure to report: ``kind`` is "request", "cores", "missing-runtime", "missing-provider", "model",
    "accelerator" or "install".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def first_line(error: Exception) -> str:
    """An exception's message without the C++ stack that some runtimes append."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3]) or type(error).__name__


FILLERS = {"\u115f", "\u1160", "\u3164", "\uffa0"}
"""Letters that show nothing."""


def legible(name: str) -> str:
    """A name of a stranger's file with whatever steers a terminal, or shows nothing, as Python writes it.

    An answer that held it as it is would be taken for one that the device had spoilt.
    """
    return "".join(c if c in TEXT or (c.isalnum() and c not in FILLERS) else escaped(c) for c in name)


def escaped(character: str) -> str:
    """As Python writes it."""
    return character.encode("unicode_escape").decode()


TEXT = {chr(code) for code in range(32, 127)}
PROTOCOL = [1]
"""The file descriptor of the JSON lines; :func:`keep_protocol` moves it away from what native libraries print to."""


def emit(message: Json) -> None:
    """Write one JSON line."""
    data = (json.dumps(message) + "\n").encode()
    while data:
        data = data[os.write(PROTOCOL[0], data) :]


def read_request(arguments: List[str]) -> Json:
    """The request in the file that the command line names."""
    if len(arguments) != 1:
        raise AgentError("request", "usage: python agent.pyz REQUEST.json")
    with open(arguments[0]) as stream:
        request = json.load(stream)
    if not isinstance(request, dict):
        raise AgentError("request", "a request is a JSON object, got %s" % type(request).__name__)
    return request


def keep_protocol() -> None:
    """From now on only :func:`emit` writes to stdout; output of native libraries goes to stderr."""
    PROTOCOL[0] = os.dup(1)
    os.dup2(2, 1)
