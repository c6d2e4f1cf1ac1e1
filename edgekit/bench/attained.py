"""How near measured latencies come to the peak rates of their device."""

from __future__ import annotations

import statistics

from ..base.progress import Progress, Step
from ..errors import UsageError
from ..types import Artifact, Ceilings, Device, Measurement
from ..types.answers import RooflineAnswer
from .asked_cores import cores_request
from .launch import Transport, ask_agent
from .roofline import ceilings, roofline

PEAKS_S = 2.0
LAUNCH_S = 120.0


def measure_ceilings(
    transport: Transport, device: Device, threads: int, progress: Progress, cores: str | None = None
) -> Ceilings:
    """The device's peaks with this number of threads, pinned to ``cores`` or free; takes about four seconds.

    Raises:
        UsageError: the device is emulated: its peaks are those of the emulator.
        ToolError: the agent failed there.
    """
    if device.transport == "virtual":
        raise UsageError(f"{device.id} is emulated and has no peaks of its own", "leave out --roofline")
    what = f"peaks of {device.id}"
    progress(Step(what))
    request = {"threads": threads, "max_s": PEAKS_S, "cores": cores_request(cores)}
    return ceilings(ask_agent(RooflineAnswer, transport, request, {}, LAUNCH_S + 2 * PEAKS_S, what))


def position(taken: Measurement, artifact: Artifact, limits: Ceilings) -> Measurement:
    """The measurement with its place under the roofline; without one when the int8 peak of the CPU is not known.

    Raises:
        UsageError: the artifact was made before manifests listed layers.
    """
    if not artifact.layers:
        raise UsageError(
            f"the manifest of {artifact.model} {artifact.profile} lists no layers, so it has no roofline",
            artifact.again,
        )
    layers = [layer.of_batch(taken.batch) for layer in artifact.layers]
    found = roofline(layers, artifact.precision, limits, statistics.median(taken.samples_ns))
    return taken.model_copy(update={"roofline": found, "ceilings": limits})
