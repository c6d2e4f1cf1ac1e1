"""Commands that a file gives for advice: its writer chose them, and a reader may paste them into a shell."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

MADE_BY = ["edgekit", "export"]
LONGEST = 2000
PROGRAMS = (".pt2", ".pt", ".pth", ".torchscript")
"""Files of PyTorch that may hold a whole network: a traced program, or TorchScript."""
CODE = re.compile(
    r"(?P<place>.+\.(?:py|pt2|pt|pth|torchscript)|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)(?::(?P<factory>[A-Za-z_]\w*))?"
)
"""How a command names a network's code."""


def again(command: str, otherwise: str = "export it again") -> str:
    """Advice on making an artifact again: its command where that is one of ours, else ``otherwise``."""
    return f"export it again: {command}" if is_export(command) else otherwise


def is_export(command: str) -> bool:
    """True for ``edgekit export …`` as edgekit itself writes it: one line, in which a shell finds nothing to do."""
    if len(command) > LONGEST or not command.isprintable():
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return words[: len(MADE_BY)] == MADE_BY and shlex.join(words) == command


def words_of(command: str) -> list[str]:
    """The words behind ``edgekit export``; none of another command."""
    return shlex.split(command)[len(MADE_BY) :] if is_export(command) else []


def values_of(words: list[str], *options: str) -> list[str]:
    """What a command's words give to an option, of which these are the names."""
    return [value for word, value in pairwise(words) if word in options]


def is_own(name: str) -> bool:
    """True for ``net.py``, ``net.py:factory``, ``package.module:factory``, ``model.onnx`` and files of PyTorch."""
    if name.lower().endswith(".onnx"):
        return True
    found = CODE.fullmatch(name)
    return found is not None and (found["factory"] is not None or found["place"].endswith((".py", *PROGRAMS)))
