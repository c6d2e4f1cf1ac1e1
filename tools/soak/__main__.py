"""``python -m tools.soak --minutes 30 --device local``: measure without a pause; exit code 1 when something grows."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edgekit.base.scratch import scratch_folder
from edgekit.bench.session import Limits
from edgekit.devices.inventory import find_device
from edgekit.errors import EdgekitError
from edgekit.types import Device
from edgekit.verbs.profile import profile

from .growth import growths
from .page import Soaked, page
from .traces import Traces, traces

ARTIFACTS = Path(__file__).resolve().parent.parent.parent / "tests" / "data" / "artifacts"
BRIEF = Limits(warmup_min_iterations=1, warmup_min_s=0.01, min_iterations=20, min_s=0.05, max_s=2.0)


@dataclass
class Run:
    """What measuring again and again came to: a look after each, measurements made, and those that failed."""

    looks: list[Traces] = field(default_factory=list)
    measurements: int = 0
    failures: list[str] = field(default_factory=list)


def measure_until(end: float, device: Device, artifacts: Path) -> Run:
    """Measure one artifact after another on ``device``, in this process, until ``end`` (monotonic).

    Raises:
        ToolError: the device cannot be reached to be looked at.
    """
    limits = None if device.transport == "virtual" else BRIEF
    run = Run()
    with scratch_folder("soak") as reports:
        for folder in itertools.cycle(sorted(path.parent for path in artifacts.glob("*/*/manifest.json"))):
            if run.looks and time.monotonic() >= end:
                break
            try:
                done = profile([str(folder)], device.id, reports_root=reports, limits=limits)
                run.measurements += len(done.measurements)
                run.failures += [f"{failure.artifact}: {failure.error}" for failure in done.failures]
            except EdgekitError as error:
                run.failures.append(str(error))
            run.looks.append(traces(device))
    return run


def soak(name: str, minutes: float) -> Soaked:
    """Measure on the device ``name`` for so long, and tell what grew.

    Raises:
        ToolError: the device cannot be reached to be looked at.
        ValueError: the time sufficed for too few measurements.
    """
    begin = time.monotonic()
    run = measure_until(begin + 60 * minutes, find_device(name), ARTIFACTS)
    spent = (time.monotonic() - begin) / 60
    return Soaked(name, spent, len(run.looks), run.measurements, tuple(run.failures), tuple(growths(run.looks)))


def main(arguments: list[str]) -> int:
    """Soak one device after another; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="on each device")
    parser.add_argument("--device", action="append", help="may be repeated (default: local and virtual-rpi4)")
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="folder for soak.md and soak.json")
    chosen = parser.parse_args(arguments)
    with scratch_folder("soak") as own:
        # Nobody else's temporary folders are counted.
        os.environ["TMPDIR"] = tempfile.tempdir = str(own)
        try:
            soaked = [soak(name, chosen.minutes) for name in chosen.device or ("local", "virtual-rpi4")]
        except (EdgekitError, ValueError) as error:
            parser.exit(3, f"error: {error}\n")
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "soak.md").write_text(page(soaked), encoding="utf-8")
    (chosen.out / "soak.json").write_text(json.dumps([asdict(one) for one in soaked], indent=2) + "\n")
    sys.stdout.write(page(soaked))
    return 0 if all(one.flat for one in soaked) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
