"""The place of a measurement of forms: a real device, its identity, and how long to measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from ..base.progress import Progress
from ..base.target import host_target
from ..bench.asked_cores import cores_request, known_cores
from ..bench.choice import LOOKS, SPARE
from ..bench.launch import ask_agent
from ..bench.paired import BRIEF
from ..bench.session import Limits, Session
from ..devices.inventory import find_device
from ..devices.quarantine import admit
from ..devices.reach import reach
from ..errors import UsageError
from ..types import Device, DeviceInfo, ExportProfile, Measurement, TargetClass, TuningConditions
from ..types.answers import InfoAnswer


@dataclass(frozen=True)
class Place:
    """A device that was reached once, and how to measure there.

    Attributes:
        cores: the cores that every launch is pinned to: ``big``, ``little`` or numbers by commas; None for any core.
        looks: rounds after which it is asked whether all is decided.
        spare: load above the number of cores that is borne with.
    """

    device: Device
    info: DeviceInfo
    target: TargetClass
    threads: int = 1
    limits: Limits = BRIEF
    looks: Sequence[int] = LOOKS
    spare: float = SPARE
    cores: str | None = None

    @contextmanager
    def session(self, progress: Progress) -> Iterator[Session]:
        """The device, ours alone until the block ends.

        Raises:
            ToolError: it cannot be reached or is in use.
        """
        with reach(self.device, progress) as transport:
            yield Session(transport, self.device, threads=self.threads, cores=self.cores, limits=self.limits)

    def conditions(self, taken: Measurement) -> TuningConditions:
        """Under which ``taken`` and all that is compared with it were measured."""
        return TuningConditions(
            model=taken.model,
            target=self.target,
            device=self.device.id,
            cpu=taken.info.cpu,
            runtime=taken.runtime,
            runtime_version=taken.runtime_version,
            threads=self.threads,
            cores=self.cores,
            date=datetime.now(UTC).date().isoformat(),
        )


def find_place(
    name: str,
    threads: int,
    progress: Progress,
    limits: Limits = BRIEF,
    looks: Sequence[int] = LOOKS,
    cores: str | None = None,
    force: bool = False,
) -> Place:
    """The device ``name``, looked at; with ``force`` also when it is quarantined.

    Raises:
        UsageError: there is no such device, it is emulated, ``threads`` is not positive, or ``cores`` of no known kind,
            not there, or too few for the threads.
        ToolError: it is quarantined, cannot be reached, or is of no known target class.
    """
    cores = known_cores(cores)
    if threads < 1:
        raise UsageError(f"--threads must be at least 1, got {threads}", "1 is what most devices are compared by")
    device = find_device(name)
    if device.transport == "virtual":
        raise emulated(name)
    admit(device, force, progress)
    with reach(device, progress) as transport:
        request = {"threads": threads, "cores": cores_request(cores)}
        info = ask_agent(InfoAnswer, transport, request, {}, limits.timeout_s, f"looking at {name}").info
    if info.emulated:
        raise emulated(name)
    target = host_target(info.machine, f"flags: {' '.join(info.isa)}")
    return Place(device, info, target, threads, limits, looks, cores=cores)


def emulated(name: str) -> UsageError:
    """Why an emulated device is refused."""
    return UsageError(
        f"{name} is an emulated device: its latency means nothing, so it cannot decide which form is faster",
        "name a real device with --device; edgekit devices list shows what there is",
    )


def on_target(profile: ExportProfile, place: Place) -> ExportProfile:
    """The profile for the target class of the place.

    Raises:
        UsageError: it names another class.
    """
    if profile.target not in ("host", place.target):
        raise UsageError(
            f"--target {profile.target} contradicts the device {place.device.id}, which is {place.target}",
            "leave --target out, or name a device of that class",
        )
    return profile.model_copy(update={"target": place.target})
