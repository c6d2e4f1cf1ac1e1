"""The verb ``devices``: list, add, remove, and prove step by step that a device can be measured on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ..base.progress import Progress, Step
from ..base.scratch import scratch_folder
from ..bench.launch import INSTALL, ask_agent
from ..catalog import explain
from ..counting.emulator import SimulatedMachine, prepare
from ..devices.boards import find_board
from ..devices.entries import add_entry, project_file, read_entries, remove_entry, user_file
from ..devices.inventory import BUILT_IN, find_device
from ..devices.quarantine import lift, quarantine, quarantined
from ..devices.reach import is_emulated_phone, reach
from ..devices.ssh_config import host_aliases
from ..devices.ssh_errors import DeviceError, Kind
from ..devices.virtual.simulated import SIMULATED
from ..errors import ToolError, UsageError, did_you_mean
from ..types import PACKAGES_OF, Device, Quarantine
from ..types.answers import InfoAnswer

Status = Literal["ok", "warning", "failed"]

ENOUGH_DISK_BYTES, ENOUGH_MEMORY_BYTES, TOLERATED_SKEW_S = 200e6, 150e6, 2.0
READERS = {
    "clock": "clock_khz",
    "governor": "governor",
    "temperature": "temperature_c",
    "throttle flags": "throttled",
}
"""The readings that a device should offer, and their fields in its state."""
LOGIN_STEPS: dict[str, tuple[Kind, ...]] = {
    "labgrid place": ("place",),
    "reachable": ("unreachable", "failed"),
    "host key": ("host-key",),
    "login": ("auth",),
    "shell": ("shell", "killed", "lost"),
    "not in use": ("busy",),
    "write access": ("write", "disk-full"),
}
"""The steps of connecting, in order, each with the errors that belong to it; the first is only for a labgrid place."""


SICK: tuple[Kind, ...] = ("write", "disk-full", "killed", "lost")
"""Errors of a device that is there and is ours, but does not work."""
HOT_C = 85.0
"""Too hot for a device at rest: a Raspberry Pi 4 or 5 throttles from here on, other boards near it."""


@dataclass(frozen=True)
class Check:
    """One step of a check; ``remedy`` says what to do about a failure.

    Attributes:
        sick: the step failed because of the device itself, not because of its address or the software installed there.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""
    sick: bool = False


@dataclass(frozen=True)
class Checked:
    """The result of a check.

    Attributes:
        quarantine: why the device is kept out of measurements from now on; None when it is not.
        lifted: why it was in quarantine until this check.
    """

    checks: list[Check]
    quarantine: Quarantine | None = None
    lifted: Quarantine | None = None

    @property
    def failed(self) -> list[Check]:
        """The steps that failed."""
        return [check for check in self.checks if check.status == "failed"]


@dataclass(frozen=True)
class Listed:
    """A device and where it is described: a file, ``SSH config`` or ``built in``."""

    device: Device
    source: str

    @property
    def quarantine(self) -> Quarantine | None:
        """Why it is in quarantine, if it is."""
        return quarantined(self.device)


def list_devices() -> list[Listed]:
    """Every device that ``--device`` takes, each once."""
    entries = read_entries()
    found = [Listed(device, "built in") for device in BUILT_IN.values()]
    found += [Listed(device, str(path)) for name, (device, path) in entries.items() if name not in BUILT_IN]
    known = {listed.device.id for listed in found}
    return found + [Listed(find_device(alias), "SSH config") for alias in host_aliases() if alias not in known]


def add_device(name: str, address: str | None = None, for_user: bool = False, **more: Any) -> Path:
    """Describe a device behind SSH or adb, or another interpreter of this machine, in ``devices.toml``; the file.

    Args:
        name: of the device, a folder name.
        address: ``[USER@]HOST``, a Host alias of the SSH config, ``adb:SERIAL`` (``adb:HOST:PORT`` in the network), or
            ``local`` for this machine; None when a labgrid place tells it.
        for_user: in the user's file instead of the project's.
        more: other fields of :class:`Device`; None for those not given.

    Raises:
        UsageError: the name is taken, or a value is not one.
    """
    if name in BUILT_IN:
        raise UsageError(f"{name!r} is a device of edgekit's own", "choose another name")
    transport = "adb" if address is not None and address.startswith("adb:") else "ssh"
    if address == "local":
        transport, address = "local", None
    user, at, host = ("", "", None) if address is None else address.removeprefix("adb:").rpartition("@")
    given = {"user": user if at else None, **{key: value for key, value in more.items() if value is not None}}
    path = user_file() if for_user else project_file()
    try:
        device = Device.from_plain({"id": name, "transport": transport, "address": host, **given})
    except ValidationError as error:
        raise explain(Path("edgekit devices add"), Device, error) from error
    if device.board is not None:
        find_board(device.board)
    add_entry(path, device)
    return path


def remove_device(name: str) -> Path:
    """Remove a device from the file that describes it; returns the file.

    Raises:
        UsageError: no file describes it.
    """
    entries = read_entries()
    if name not in entries:
        elsewhere = " (it is built in)" if name in BUILT_IN else ""
        raise UsageError(f"no devices.toml has a device {name!r}{elsewhere}", did_you_mean(name, entries))
    path = entries[name][1]
    remove_entry(path, name)
    return path


def check_device(name: str, progress: Progress) -> Checked:
    """Prove each step from the network to a measurement, up to the first that fails.

    A device that is sick is quarantined. A device that passes leaves quarantine. Failures that tell nothing about its
    health (not reachable, in use, not prepared) change nothing.

    Raises:
        UsageError: there is no device of that name.
        ToolError: an emulated board cannot be built here.
    """
    device = find_device(name)
    checks = steps_to_count(device, progress) if device.transport == "simulated" else steps_to(device, progress)
    reasons = tuple(f"{check.name}: {check.detail.splitlines()[0]}" for check in checks if check.sick)
    if reasons:
        return Checked(checks, quarantine=quarantine(device, reasons))
    done = Checked(checks)
    return done if done.failed else Checked(checks, lifted=lift(device))


def steps_to(device: Device, progress: Progress) -> list[Check]:
    """The steps of a check, up to the first that fails."""
    checks: list[Check] = []
    try:
        with reach(device, progress) as transport:
            checks += steps_of(device)
            progress(Step("asking the agent"))
            before = time.time()
            try:
                told = ask_agent(InfoAnswer, transport, {}, {}, 120.0, f"asking {device.id}")
            except DeviceError:
                raise
            except ToolError as error:
                return [*checks, Check("agent", "failed", str(error), error.hint, sick=True)]
            return checks + judge(device, told, before, time.time(), transport.where)
    except DeviceError as error:
        return [*(checks or steps_before(device, error)), failure(error)]


def steps_to_count(device: Device, progress: Progress) -> list[Check]:
    """The steps of a check of a simulated board, up to the first that fails: the tools for counting, and the board that
    is simulated.
    """
    try:
        ready = prepare(SIMULATED[device.id], progress)
    except ToolError as error:
        return [Check("counting", "failed", str(error), error.hint)]
    checks = [Check("emulator", "ok", f"QEMU {ready.emulator.version}: {ready.emulator.path}"),
              Check("plugin", "ok", str(ready.plugin))]  # fmt: skip
    with scratch_folder("check") as folder:
        try:
            told = ask_agent(InfoAnswer, SimulatedMachine(ready, folder), {}, {}, 300.0, f"asking {device.id}")
        except ToolError as error:
            return [*checks, Check("agent", "failed", str(error), error.hint)]
    checks.append(Check("cpu", "ok", f"{told.info.cpu} (simulated: instructions are counted, nothing is timed)"))
    return checks + judge_runtimes(told.versions, "", device)


def login_steps(device: Device) -> list[str]:
    """The steps of connecting to ``device`` beyond its place; adb has no host keys."""
    by_adb = device.transport == "adb" or is_emulated_phone(device)
    left_out = {"labgrid place", *(["host key"] if by_adb else [])}
    return [] if device.transport == "local" else [step for step in LOGIN_STEPS if step not in left_out]


def steps_of(device: Device) -> list[Check]:
    """The steps of connecting to ``device``, in order, when all go well."""
    place = [] if device.labgrid is None else [Check("labgrid place", "ok", f"{device.labgrid}, held for this check")]
    return place + [Check(step, "ok", "") for step in login_steps(device)]


def steps_before(device: Device, error: DeviceError) -> list[Check]:
    """The steps of connecting that went well before the one that ``error`` means."""
    return list(takewhile(lambda check: error.kind not in LOGIN_STEPS[check.name], steps_of(device)))


def failure(error: DeviceError) -> Check:
    """The step that ``error`` means."""
    step = next((step for step, kinds in LOGIN_STEPS.items() if error.kind in kinds), error.kind)
    return Check(step, "failed", str(error), error.hint, sick=error.kind in SICK)


def judge(device: Device, told: InfoAnswer, before: float, after: float, where: str) -> list[Check]:
    """The checks of the agent's answer, one by one."""
    info, state = told.info, told.state
    checks = [judge_runner(told)]
    emulated = " (emulated: latency means nothing)" if info.emulated else ""
    checks.append(Check("cpu", "ok", f"{info.cpu}, {info.cores} usable cores{emulated}"))
    if device.board is not None:
        checks.append(judge_board(device.board, info.cpu))
    if told.runner is None:
        checks += judge_runtimes(told.versions, where, device)
    checks += [judge_reading(name, getattr(state, field), info.emulated) for name, field in READERS.items()]
    checks.append(enough("free disk", told.free.disk_bytes, ENOUGH_DISK_BYTES, "rm -r ~/.cache there"))
    checks.append(enough("free memory", told.free.memory_bytes, ENOUGH_MEMORY_BYTES, "stop other programs there"))
    skew = max(before - state.unix_time, state.unix_time - after, 0.0)
    late = skew > TOLERATED_SKEW_S
    detail = f"{skew:.0f} s off this machine's" if late else "as this machine's"
    remedy = "timedatectl set-ntp true (there)" if late else ""
    checks.append(Check("time", "warning" if late else "ok", detail, remedy))
    return checks


def judge_reading(name: str, told: Any, emulated: bool) -> Check:
    """One reading of the device's state: is it available, and is it that of a healthy device?"""
    if told is None:
        return Check(name, "warning", "unavailable", "a verdict cannot tell throttling from noise without it")
    if name == "temperature" and told and not emulated:
        sensor, hottest = max(told.items(), key=lambda item: float(item[1]))
        if hottest >= HOT_C:
            detail = f"{hottest:.0f} °C at rest ({sensor}), where {HOT_C:.0f} °C is too hot"
            return Check(name, "failed", detail, "is its fan on, and its place cool? let it cool down", sick=True)
    if name == "throttle flags" and not emulated:
        now = [flag for flag in told if not flag.endswith("since boot")]
        if now:
            remedy = "under-voltage: another power supply or cable; else let it cool down"
            return Check(name, "failed", f"{', '.join(now)}, at rest", remedy, sick=True)
    return Check(name, "ok", "readable")


def judge_runner(told: InfoAnswer) -> Check:
    """The program that runs models there: Python, or the native benchmark on a phone without Python."""
    info = told.info
    place = f"on {info.machine}: {info.system}"
    if told.runner is None:
        return Check("python", "ok", f"{info.python} {place}")
    if told.runner:
        return Check("benchmark_model", "ok", place)
    remedy = f"take the one for Android on {info.machine}: benchmark_model = in devices.toml"
    return Check("benchmark_model", "failed", f"it does not print its usage {place}", remedy)


def judge_board(name: str, cpu: str) -> Check:
    """Does the device have the CPU of the board that its entry names?"""
    board = find_board(name)
    if all(cluster.core in cpu for cluster in board.clusters):
        return Check("board", "ok", f"{board.title}: {board.cpu}")
    return Check(
        "board", "warning", f"{board.title} has {board.cpu}, the device says {cpu}", "correct board = in devices.toml"
    )


def judge_runtimes(versions: dict[str, str], where: str, device: Device) -> list[Check]:
    """numpy, and each runtime; at least one of them has to be there."""
    prepare = f"edgekit devices prepare {device.id}, or by hand: " if device.transport == "ssh" else ""
    found = {
        runtime: next((f"{name} {versions[name]}" for name in names if name in versions), None)
        for runtime, names in PACKAGES_OF.items()
    }
    numpy = versions.get("numpy")
    remedy = "" if numpy else f"{prepare}pip install numpy{where}"
    checks = [Check("numpy", "ok" if numpy else "failed", numpy or "missing", remedy)]
    missing: Status = "warning" if any(found.values()) else "failed"
    for runtime, version in found.items():
        if version:
            checks.append(Check(runtime, "ok", version))
        else:
            checks.append(Check(runtime, missing, "missing", prepare + INSTALL[runtime] + where))
    return checks


def enough(name: str, count: int | None, least: float, remedy: str) -> Check:
    """A reading of bytes against what is needed."""
    if count is None:
        return Check(name, "warning", "unavailable")
    if count < least:
        return Check(name, "warning", f"{count / 1e6:.0f} MB, less than {least / 1e6:.0f} MB", remedy)
    return Check(name, "ok", f"{count / 1e6:.0f} MB")


def raise_failures(name: str, done: Checked) -> None:
    """Raise an error for a check that failed.

    Raises:
        ToolError: a step failed.
    """
    if done.failed:
        kept = " and is quarantined until a check passes" if done.quarantine else ""
        message = f"{name} cannot be measured on{kept}: {', '.join(check.name for check in done.failed)}"
        raise ToolError(message, done.failed[0].remedy)
