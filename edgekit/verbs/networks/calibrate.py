"""``lint --calibrate``: the micro-benchmarks of ShuffleNet V2's guidelines on a device, so that they weigh as there."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from ... import __version__
from ...base.files import check_writable
from ...base.inside import inside
from ...base.progress import PartDone, Progress, Step, silent, telling
from ...base.scratch import scratch_folder
from ...base.stats import MIN_PAIRS, trimmed_ratio
from ...bench.paired import BRIEF, Contender, rounds
from ...bench.session import Limits, Session
from ...counting.count import count
from ...counting.emulator import prepare
from ...devices.inventory import find_device
from ...devices.quarantine import admit
from ...devices.reach import reach
from ...devices.virtual.simulated import SIMULATED
from ...errors import NotComparableError, UsageError
from ...reports.guideline_store import save_calibration
from ...types import Device, Format, Stored
from ...types.calibrations import Calibration, ProbeCost
from ..export_own import export_module


@dataclass(frozen=True)
class Taken:
    """The costs of every probe, a value a round, milliseconds, and the runtime's version."""

    ms: Mapping[str, Sequence[float]]
    runtime_version: str
    counted: bool


def calibrate(
    device: str,
    format_: Format = "tflite",
    *,
    threads: int = 1,
    turns: int = 8,
    limits: Limits = BRIEF,
    reports: Path = Path("device_reports"),
    force: bool = False,
    progress: Progress = silent,
) -> tuple[Calibration, Path]:
    """Make the micro-benchmarks, run them on a device by turns, and keep what they say.

    Args:
        device: one that measures, or a simulated board, which counts.
        format_: of the artifacts, float32.
        threads: within an operator.
        turns: rounds, each a fresh process for every micro-benchmark in random order.
        limits: of each launch.
        reports: the store.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        UsageError: an unknown device or format, or too few rounds for an interval.
        NotComparableError: an emulated device.
        ToolError: it cannot be reached, or one of them cannot be made or run.
    """
    from ...zoo.complexity import layer_costs, total_cost
    from ...zoo.probes import probes

    place = find_device(device)
    if place.transport == "virtual":
        raise NotComparableError(
            f"{device} is emulated: its latency means nothing", f"--device {next(iter(SIMULATED))} counts instead"
        )
    if turns < MIN_PAIRS:
        raise UsageError(f"--rounds must be at least {MIN_PAIRS}, got {turns}", "an interval takes that many")
    check_writable(inside(reports, place.id, field="the device's name"), "--reports")
    everything = probes()
    with scratch_folder("probes") as folder:
        made: dict[str, Stored] = {}
        macs: dict[str, int] = {}
        for number, probe in enumerate(everything, 1):
            progress(Step(f"making {probe.name} ({number} of {len(everything)})"))
            network = probe.network()
            macs[probe.name] = total_cost(layer_costs(network, tuple(probe.example.shape))).macs
            (made[probe.name],) = export_module(
                network, (probe.example,), formats=[format_], int8=False, fp16=False, calibration=None,
                name=probe.name, out=folder, preprocessing={},
            )  # fmt: skip
            progress(PartDone(probe.name, done=number, total=len(everything)))
        if place.transport == "simulated":
            taken = counted(place, made, threads, progress)
        else:
            admit(place, force, progress)
            with reach(place, progress) as transport:
                session = Session(transport, place, threads=threads, limits=limits)
                taken = measured(session, made, turns, progress)
    costs = []
    for probe in everything:
        base = next(one.name for one in everything if one.guideline == probe.guideline)
        scale = macs[base] / macs[probe.name]
        logs = [math.log(b / a * scale) for a, b in zip(taken.ms[base], taken.ms[probe.name], strict=True)]
        ratio, low, high = (math.exp(logs[0]),) * 3 if len(logs) == 1 else trimmed_ratio(logs)
        ms = statistics.median(taken.ms[probe.name])
        costs.append(
            ProbeCost(
                guideline=probe.guideline, name=probe.name, says=probe.says, degree=probe.degree,
                macs=macs[probe.name], ms=ms, ratio=ratio, low=low, high=high,
            )
        )  # fmt: skip
    found = Calibration(
        device=place,
        format=format_,
        runtime_version=taken.runtime_version,
        threads=threads,
        kind_of_cost="counted" if taken.counted else "measured",
        rounds=1 if taken.counted else turns,
        probes=tuple(costs),
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        edgekit_version=__version__,
    )
    return found, save_calibration(reports, found)


def counted(place: Device, made: Mapping[str, Stored], threads: int, progress: Progress) -> Taken:
    """What each costs by its instructions, estimated."""
    board = prepare(SIMULATED[place.id], progress)
    found, version = {}, ""
    for number, (name, stored) in enumerate(made.items(), 1):
        one = count(stored, board, threads=threads, repeat=False, progress=telling(name, progress))
        found[name], version = (one.estimate.latency_ms,), one.runtime_version
        progress(PartDone(name, done=number, total=len(made)))
    return Taken(found, version, counted=True)


def measured(session: Session, made: Mapping[str, Stored], turns: int, progress: Progress) -> Taken:
    """What each costs by a clock: fresh processes by turns."""
    contenders = [Contender(name, stored) for name, stored in made.items()]
    found: dict[str, list[float]] = {name: [] for name in made}
    version = ""
    for number, taken in enumerate(islice(rounds(session, contenders, progress=progress), turns), 1):
        for name, one in taken.items():
            found[name].append(one.p50_ms)
            version = one.runtime_version
        progress(PartDone(f"round {number}", done=number, total=turns))
    return Taken(found, version, counted=False)
