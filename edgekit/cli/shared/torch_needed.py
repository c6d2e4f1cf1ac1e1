"""One place that says what to install where a command needs PyTorch."""

from __future__ import annotations

from importlib.util import find_spec

from ...base.distribution import install_command
from ...errors import ToolError


def torch_needed(what: str) -> None:
    """Do nothing where PyTorch is installed.

    Raises:
        ToolError: it is not; the message begins with ``what``.
    """
    if find_spec("torch") is None:
        raise ToolError(f"{what} needs PyTorch, which is not installed", install_command("export"))
