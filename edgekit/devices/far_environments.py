"""Environments on a device behind SSH with one version of a runtime: wheels are fetched here and installed there."""

from __future__ import annotations

from ..base.progress import Progress, Step
from ..base.scratch import scratch_folder
from ..bench.launch import ask_agent
from ..errors import ToolError
from ..types.answers import InfoAnswer, InstallAnswer
from .environments import Wanted
from .ssh import SshMachine
from .wheels import Machine, fetch, has_pip, pip_wheel

FOLDER = "~/.local/share/edgekit/environments"
"""Where they are kept on the device."""
ASK_S, INSTALL_S = 120.0, 1800.0
"""An SD card takes minutes."""


def python_there(machine: SshMachine, asked: Wanted, progress: Progress, kept: str = FOLDER) -> str:
    """The interpreter of an environment with this version and numpy on a device; made, or made whole, there.

    The device needs Python with the module venv, and no internet. What it has by content is not sent again.

    Args:
        machine: an open connection, its interpreter that of the system.
        asked: the version.
        progress: receives an event as each step begins.
        kept: folder of the environments there.

    Raises:
        ToolError: pip is missing here, has no such wheel for the device, or it cannot be installed there.
    """
    if not has_pip():
        raise ToolError("this Python has no pip, which fetches the wheels", "python -m ensurepip")
    told = ask_agent(InfoAnswer, machine, {}, {}, ASK_S, f"asking {machine.name}")
    there = Machine(".".join(told.info.python.split(".")[:2]), told.info.machine, told.glibc)
    with scratch_folder("wheels") as folder:
        progress(Step(f"fetching {asked} for Python {there.python} on {there.machine}"))
        reason = fetch(there, ["pip", "numpy", str(asked)], folder)
        if reason:
            raise ToolError(
                f"no {asked} for Python {there.python} on {there.machine}: {reason}",
                f"pip index versions {asked.package} lists what there is",
            )
        wheels = sorted(folder.glob("*.whl"))
        request = {
            "venv": f"{kept}/{asked.package}-{asked.version}",
            "pip": pip_wheel(wheels).name,
            "requirements": [str(asked), "numpy"],
        }
        progress(Step(f"installing {asked} on {machine.name}"))
        what = f"installing {asked} on {machine.name}"
        return ask_agent(InstallAnswer, machine, request, {"wheels": wheels}, INSTALL_S, what).python
