"""Open the connection to a device."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from ..base import plugins
from ..base.folders import boards_folder, expanded
from ..base.progress import Progress, Step
from ..bench.launch import ThisMachine, Transport
from ..errors import UsageError, did_you_mean
from ..types import Device
from .adb import AdbMachine
from .adb_client import Phone
from .inventory import find_device
from .labgrid import holding
from .phone.native import NativePhone
from .phone.phone import STAND_IN
from .phone.program import fetched
from .ssh import SshMachine, Target
from .ssh_config import chosen_config
from .virtual import board as virtual
from .virtual import phone as virtual_phone
from .virtual.boards import VIRTUAL
from .virtual.simulated import SIMULATED


@contextmanager
def reach(device: Device, progress: Progress, resumes: bool = True) -> Iterator[Transport]:
    """A connection to ``device``, which nobody else uses until the block ends; an emulated board is built and started
    first. A broken connection is made again, unless ``resumes`` is False: then later steps fail as well.

    Its labgrid place, if it has one, is acquired before and released after.

    Raises:
        UsageError: it is simulated, or its entry names no interpreter.
        ToolError: it cannot be reached, is in use, or cannot be built here.
    """
    refuse_simulated(device)
    with holding(device, progress) as held:
        if held.transport == "local":
            yield ThisMachine() if held.python is None else ThisMachine(interpreter(held))
            return
        progress(Step(f"connecting to {held.id}"))
        if held.plugin is not None:
            with plugin_of(held)(held, progress) as machine:
                yield machine
            return
        if held.transport == "adb" or is_emulated_phone(held):
            runner = None if held.python else runner_of(held, progress)
            with phone_of(held, progress) as phone, AdbMachine(phone, progress, held.python or "python3") as there:
                there.resumes = resumes
                yield there if runner is None else NativePhone(there, *runner)
        else:
            with SshMachine(target_of(held, progress), progress) as board:
                board.resumes = resumes
                yield board


def plugin_of(device: Device) -> Callable[[Device, Progress], AbstractContextManager[Transport]]:
    """The way to a device that another package brings.

    Raises:
        UsageError: nothing that is installed offers it.
        ToolError: it cannot be imported.
    """
    assert device.plugin is not None
    if device.plugin not in plugins.offered("transports"):
        raise UsageError(
            f"{device.id} is reached by the plug-in {device.plugin!r}, and no installed package offers it",
            did_you_mean(device.plugin, plugins.offered("transports")) or "install the package that does",
        )
    found: Callable[[Device, Progress], AbstractContextManager[Transport]] = plugins.load("transports", device.plugin)
    return found


def refuse_simulated(device: Device) -> None:
    """Make sure that something can be timed on ``device``.

    Raises:
        UsageError: it is simulated.
    """
    if device.transport == "simulated":
        raise UsageError(
            f"{device.id} is simulated: instructions are counted there, nothing can be timed or computed for use",
            f"edgekit profile --device {device.id} and edgekit gate --device {device.id} count",
        )


def interpreter(device: Device) -> str:
    """The path of the interpreter that the entry of a local device names.

    Raises:
        UsageError: there is no such program, or it is none.
    """
    named = expanded(device.python or "python3")
    found = shutil.which(named)
    if found is None:
        raise UsageError(f"{device.id} is to run by {named}, and there is no such program here",
                         "correct python = in devices.toml")  # fmt: skip
    with Path(found).open("rb") as stream:
        if not stream.read(4).startswith((b"#!", b"\x7fELF", b"MZ", b"\xcf\xfa", b"\xca\xfe")):
            raise UsageError(f"{device.id} is to run by {named}, which is not a program",
                             "correct python = in devices.toml")  # fmt: skip
    return found


def is_emulated_phone(device: Device) -> bool:
    """True for an emulated device that adb reaches; the others are reached by ssh."""
    return device.transport == "virtual" and VIRTUAL[device.id].properties is not None


def runner_of(device: Device, progress: Progress) -> tuple[Path, str]:
    """The native benchmark for a phone without Python, and its name.

    Raises:
        UsageError: none is named, or there is no such file.
        ToolError: it cannot be fetched, or what was fetched has another digest.
    """
    if device.transport == "virtual":
        return STAND_IN, "edgekit's stand-in for benchmark_model"
    if device.benchmark_model_url is not None and device.benchmark_model_sha256 is not None:
        progress(Step(f"benchmark_model of {device.benchmark_model_url}"))
        return fetched(device.benchmark_model_url, device.benchmark_model_sha256), "benchmark_model"
    named = device.benchmark_model or os.environ.get("EDGEKIT_BENCHMARK_MODEL")
    if named is None:
        raise UsageError(
            f"{device.id} has neither python = nor benchmark_model = in devices.toml: nothing can run there",
            'name the file of TFLite\'s benchmark_model for Android arm64 here: benchmark_model = "PATH", or '
            "EDGEKIT_BENCHMARK_MODEL=PATH",
        )
    path = expanded(named)
    if not path.is_file():
        raise UsageError(f"there is no file {path}, the benchmark_model of {device.id}",
                         "correct benchmark_model = in devices.toml, or EDGEKIT_BENCHMARK_MODEL")  # fmt: skip
    return path, "benchmark_model"


def phone_of(device: Device, progress: Progress) -> AbstractContextManager[Phone]:
    """How adb reaches ``device``; an emulated phone runs as long as the block."""
    if device.transport == "virtual":
        return virtual_phone.running(device.id, progress)
    assert device.address is not None
    return nullcontext(Phone(device.id, device.address))


def target_of(device: Device, progress: Progress) -> Target:
    """How ssh reaches ``device``."""
    if device.transport == "virtual":
        return virtual.prepare(device.id, progress)
    assert device.address is not None
    return Target(
        name=device.id,
        host=device.address,
        user=device.user,
        port=device.port,
        python=device.python or "python3",
        config=chosen_config(),
    )


def what_is_built_first(name: str) -> str | None:
    """What measuring on the device ``name`` builds before it begins, in words; None when nothing is missing.

    Raises:
        UsageError: there is no device of that name.
    """
    plays = SIMULATED.get(name)
    if find_device(name).transport not in ("virtual", "simulated") or virtual.is_built():
        return None
    if plays is not None and plays.machine != "aarch64":
        return None
    return (
        f"{name} is not built yet: downloading an arm64 Debian 12, Python and the runtimes (about 150 MB, 420 MB "
        f"unpacked) to {boards_folder()}; once for all emulated boards"
    )
