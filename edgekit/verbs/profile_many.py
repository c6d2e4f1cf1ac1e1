"""``profile`` on several devices at the same time; one that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from ..base.progress import Finished, Progress, telling
from ..errors import EdgekitError, ToolError, UsageError
from ..types import Device
from .profile import Profiled


@dataclass(frozen=True)
class DeviceOutcome:
    """How one device's run went: what came of it, or why nothing did."""

    device: Device
    profiled: Profiled | None = None
    error: EdgekitError | None = None


def profile_many(
    devices: Sequence[Device],
    run: Callable[[str, Progress], Profiled],
    progress: Progress,
    on_device: Callable[[DeviceOutcome], None],
) -> list[DeviceOutcome]:
    """Call ``run`` with each device's name, all at once; the outcomes in the devices' order.

    An emulated device runs on this machine too: where the local device is measured as well, they run one after another.

    Args:
        devices: where to measure.
        run: measures on a device of that name, telling its steps.
        progress: receives an event as each step begins, with the device in front.
        on_device: told each device's outcome as it ends.
    """
    outcomes: dict[str, DeviceOutcome] = {}

    def one(device: Device) -> DeviceOutcome:
        try:
            return DeviceOutcome(device, run(device.id, telling(device.id, progress)))
        except EdgekitError as error:
            progress(Finished(f"failed: {error}", (device.id,)))
            return DeviceOutcome(device, error=error)

    apart = {"local", "virtual"} if any(d.transport == "local" for d in devices) else set()
    groups: list[list[Device]] = [[d] for d in devices if d.transport not in apart]
    here = [d for d in devices if d.transport in apart]
    groups += [here] if here else []

    def line(group: list[Device]) -> None:
        for device in group:
            outcome = one(device)
            outcomes[device.id] = outcome
            on_device(outcome)

    with ThreadPoolExecutor(max(1, len(groups))) as pool:
        for future in as_completed([pool.submit(line, group) for group in groups]):
            future.result()
    return [outcomes[device.id] for device in devices]


def raise_device_failures(outcomes: Sequence[DeviceOutcome]) -> None:
    """End the run the way it went.

    Raises:
        UsageError: every device failed, each for a wrong argument.
        ToolError: a device, or an artifact on one, failed; the message names all.
    """
    lines = []
    errors: list[EdgekitError] = []
    for outcome in outcomes:
        if outcome.error is not None:
            lines.append(f"  {outcome.device.id}: {outcome.error}")
            errors.append(outcome.error)
        for failure in outcome.profiled.failures if outcome.profiled else ():
            lines.append(f"  {outcome.device.id}, {failure.artifact}: {failure.error}")
            errors.append(failure.error)
    if not errors:
        return
    hints = "\n".join(dict.fromkeys(error.hint for error in errors if error.hint))
    if len(errors) == len(outcomes) and all(isinstance(error, UsageError) for error in errors):
        raise UsageError("\n".join(dict.fromkeys(str(error) for error in errors)), hints)
    raise ToolError(f"{len(errors)} measurements or devices failed:\n" + "\n".join(lines), hints)
