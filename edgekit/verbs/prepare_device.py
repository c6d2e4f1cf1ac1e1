"""``edgekit devices prepare``: build an emulated board, or put the runtimes on a device behind SSH.

On a device the runtimes go into a virtual environment of edgekit's own, from wheels that are downloaded here; the
device needs Python with the module venv, and no internet. ``devices.toml`` then names that interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ..base.progress import Progress, Step
from ..base.scratch import scratch_folder
from ..bench.launch import ask_agent
from ..counting.emulator import prepare
from ..devices.entries import add_entry, project_file, read_entries, remove_entry
from ..devices.inventory import find_device
from ..devices.reach import reach
from ..devices.virtual import board as virtual
from ..devices.virtual.build import system_folder
from ..devices.virtual.simulated import SIMULATED
from ..devices.wheels import RUNTIME_WHEELS, Machine, download_wheels, has_pip, pip_wheel
from ..errors import ToolError, UsageError, did_you_mean
from ..types import PACKAGES_OF, Device
from ..types.answers import InfoAnswer, InstallAnswer

VENV = "~/.local/share/edgekit/venv"
INSTALL_S = 1800.0
"""An SD card takes minutes for OpenVINO's files."""


def prepare_device(name: str, progress: Progress, runtimes: Sequence[str] = (), venv: str = VENV) -> str:
    """Make a device ready to be measured on; what was done, in words.

    Args:
        name: of the device.
        progress: receives an event as each step begins.
        runtimes: those to install on a device behind SSH; all when empty.
        venv: where on the device, ``~`` is the user's home there.

    Raises:
        UsageError: it is this machine, or an unknown runtime.
        ToolError: building, downloading or installing failed.
    """
    device = find_device(name)
    for runtime in runtimes:
        if runtime not in RUNTIME_WHEELS:
            raise UsageError(f"unknown runtime {runtime!r}", did_you_mean(runtime, RUNTIME_WHEELS))
    if device.transport == "simulated":
        ready = prepare(SIMULATED[name], progress)
        return f"{name} is ready: {ready.tree}, counted by {ready.plugin} in QEMU {ready.emulator.version}"
    if device.transport == "virtual":
        begin, built = time.monotonic(), virtual.is_built()
        virtual.prepare(name, progress)
        if built:
            return f"{name} was ready: {system_folder()}"
        return f"{name} is ready: {system_folder()}, built in {time.monotonic() - begin:.0f} s"
    if device.transport != "ssh":
        raise UsageError(f"{name} is reached by {device.transport}: there is nothing that edgekit could prepare",
                         f"edgekit devices check {name} says what is missing")  # fmt: skip
    return install_runtimes(device, list(runtimes or RUNTIME_WHEELS), venv, progress)


def install_runtimes(device: Device, runtimes: list[str], venv: str, progress: Progress) -> str:
    """Download wheels for the device, install them there, and have ``devices.toml`` name that interpreter."""
    if not has_pip():
        raise ToolError("this Python has no pip, which downloads the wheels", "python -m ensurepip")
    # The interpreter that makes the environment is the system's; the entry may name an earlier environment.
    base = device.model_copy(update={"python": None}) if made_by_us(device, venv) else device
    with reach(base, progress) as transport, scratch_folder("wheels") as folder:
        progress(Step(f"asking {device.id}"))
        told = ask_agent(InfoAnswer, transport, {}, {}, 120.0, f"asking {device.id}")
        python = ".".join(told.info.python.split(".")[:2])
        wheels = download_wheels(Machine(python, told.info.machine, told.glibc), runtimes, folder, progress)
        size = sum(path.stat().st_size for path in wheels.files)
        progress(Step(f"sending {len(wheels.files)} wheels, {size / 1e6:.0f} MB, and installing them"))
        request = {
            "venv": venv,
            "pip": pip_wheel(wheels.files).name,
            "requirements": wheels.requirements,
        }
        what = f"installing on {device.id}"
        answer = ask_agent(InstallAnswer, transport, request, {"wheels": wheels.files}, INSTALL_S, what,
                           lambda event: progress(Step(event.event, (device.id,))))  # fmt: skip
    path = name_interpreter(device, answer.python)
    versions = answer.versions
    known = ("numpy", *(name for names in PACKAGES_OF.values() for name in names))
    installed = [f"{name} {versions[name]}" for name in known if name in versions]
    lines = [f"{device.id} has {', '.join(installed)} in {venv}; {path} names its interpreter"]
    lines += [f"not for this device: {runtime}: {reason}" for runtime, reason in wheels.missing.items()]
    return "\n".join(lines)


def made_by_us(device: Device, venv: str) -> bool:
    """True when the entry names the interpreter of the environment that is about to be made again."""
    return device.python is not None and device.python.endswith(f"{venv.removeprefix('~')}/bin/python")


def name_interpreter(device: Device, python: str) -> Path:
    """Write ``python`` into the device's entry, which is made for a Host alias of the SSH config; the file."""
    entries = read_entries()
    path = entries[device.id][1] if device.id in entries else project_file()
    if device.python == python:
        return path
    if device.id in entries:
        remove_entry(path, device.id)
    add_entry(path, device.model_copy(update={"python": python}))
    return path
