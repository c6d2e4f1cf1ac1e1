"""The trials of ``edgekit doctor``, each called in a child process.

The probe network has two convolutions and a mean; its input is a formula, so that the shipped files and fresh
conversions are judged by the same eight numbers.
"""

from __future__ import annotations

import importlib
import json
from importlib import metadata
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from ...types import RUNTIME_OF, Format, Frozen, Runtime

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

SHAPE = (1, 3, 16, 16)
SHIPPED: dict[Runtime, str] = {"onnxruntime": "model.onnx", "litert": "model.tflite", "openvino": "model.xml"}


class Conversion(Frozen):
    """The probe network is to be converted into ``folder``."""

    format: Format
    folder: Path


class ProbeFile(Frozen):
    """A converted probe network, and the outputs that it must give for :func:`probe_input`."""

    runtime: Runtime
    model: Path
    expected: tuple[float, ...]


class ProbeRun(Frozen):
    """How a probe file ran: the largest difference to what was expected, and the version of the runtime."""

    max_abs: float = Field(allow_inf_nan=True)
    version: str


class Asked(Frozen):
    """A runtime to try."""

    runtime: Runtime


class Seen(Frozen):
    """What a runtime could compute on, in its own names, a line each."""

    devices: tuple[str, ...]


class Package(Frozen):
    """A package to import."""

    name: str


class Version(Frozen):
    """The version of an installed package."""

    version: str


def probe_input() -> NDArray[np.float32]:
    """The input, NCHW, values in [-1, 1)."""
    count = int(np.prod(SHAPE))
    return (((np.arange(count) * 37) % 101) / 50.5 - 1).astype(np.float32).reshape(SHAPE)


def build_probe() -> nn.Module:
    """Two convolutions with seeded weights, ReLU between them, mean over the image: output ``(1, 8)``."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(1),
    )
    return layers.eval()


def convert(request: Conversion) -> ProbeFile:
    """Convert the probe network; the file to open, and PyTorch's own outputs."""
    import torch

    from ...base.target import host_target
    from ...catalog import profile_for
    from ...convert.job import Job
    from ...types import Preprocessing
    from .network import converter

    network = build_probe()
    job = Job(
        network=network,
        profile=profile_for(request.format, "fp32"),
        target=host_target(),
        preprocessing=Preprocessing(resize=16, crop=16, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        inputs=probe_input(),
        folder=request.folder,
    )
    with torch.no_grad():
        made = converter(request.format)(job)
        expected = network(torch.from_numpy(probe_input())).flatten().tolist()
    return ProbeFile(runtime=RUNTIME_OF[request.format], model=job.folder / made.files[0], expected=tuple(expected))


def run(request: ProbeFile) -> ProbeRun:
    """Run a probe file in its runtime on one thread.

    Raises:
        ValueError: it has another number of outputs.
    """
    from ...agent.runtimes.choose import RUNTIMES

    runtime = RUNTIMES[request.runtime](1)
    runtime.load(str(request.model))
    value = probe_input()
    runtime.set_input(0, value.transpose(0, 2, 3, 1).copy() if request.runtime == "litert" else value)
    runtime.run()
    got = np.asarray(runtime.read(0), dtype=np.float64).flatten()
    expected = np.asarray(request.expected)
    if got.shape != expected.shape:
        raise ValueError(f"{got.size} outputs, expected {expected.size}")
    return ProbeRun(max_abs=float(np.abs(got - expected).max()), version=runtime.version)


def run_shipped(request: Asked) -> ProbeRun:
    """As :func:`run`, on the file that edgekit ships for the runtime: needs no converter."""
    with as_file(files("edgekit") / "probe_models") as folder:
        expected = tuple(json.loads((folder / "expected.json").read_text()))
        return run(ProbeFile(runtime=request.runtime, model=folder / SHIPPED[request.runtime], expected=expected))


def list_devices(request: Asked) -> Seen:
    """What the runtime sees on this machine."""
    return Seen(devices=tuple(DEVICES[request.runtime]()))


def onnxruntime_devices() -> list[str]:
    """The execution providers of the installed build."""
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def openvino_devices() -> list[str]:
    """The devices that the plugins found, with their full names."""
    import openvino

    core = openvino.Core()
    return [f"{name}: {core.get_property(name, 'FULL_DEVICE_NAME')}" for name in core.available_devices]


def litert_devices() -> list[str]:
    """The CPU, and the adapter that the GPU accelerator takes for the shipped file, or why it takes none."""
    from ...agent.protocol import AgentError
    from ...agent.runtimes.litert_gpu import LiteRTGpu

    with as_file(files("edgekit") / "probe_models") as folder:
        try:
            runtime = LiteRTGpu(1)
            runtime.load(str(folder / SHIPPED["litert"]))
        except AgentError as error:
            return ["CPU", f"no GPU: {error}"]
    played = runtime.delegation and runtime.delegation["emulated"]
    return ["CPU", f"GPU: {runtime.settings['adapter']}{' (a CPU that plays a GPU)' if played else ''}"]


DEVICES = {"onnxruntime": onnxruntime_devices, "litert": litert_devices, "openvino": openvino_devices}


def import_package(request: Package) -> Version:
    """Import a package; its version."""
    importlib.import_module(request.name)
    return Version(version=metadata.version(request.name))
