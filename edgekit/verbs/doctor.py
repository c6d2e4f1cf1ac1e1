"""The verb ``doctor``: lists what is installed, and tries which formats convert and which runtimes run here.

Every trial runs in a child process, so that a package that crashes on import becomes a finding and does not end the
program.
"""

from __future__ import annotations

import platform
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Literal

from .. import __version__
from ..artifacts.children import trials as doctor_probe
from ..base.distribution import install_command, requirements
from ..base.processes.isolate import run_isolated
from ..base.progress import Progress, Step
from ..base.scratch import scratch_folder
from ..base.target import CPUINFO, cpu_flags, host_target
from ..errors import EdgekitError, ToolError
from ..types import Format, Frozen, Runtime, TargetClass

TIMEOUT_S = 300.0
TOLERANCE = 1e-4
FEATURES = ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "asimd", "asimdhp", "asimddp")
LOW_DISK_BYTES = 2_000_000_000

CONVERTERS: dict[Format, tuple[str, ...]] = {
    "onnx": ("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime"),
    "tflite": ("torch", "litert-torch", "ai-edge-litert", "litert-quantizer"),
    "openvino": ("torch", "openvino", "nncf"),
}
RUNTIMES: dict[Runtime, tuple[str, ...]] = {
    "onnxruntime": ("onnxruntime",),
    "litert": ("ai-edge-litert",),
    "openvino": ("openvino",),
}


class Package(Frozen):
    """A package of the core or of an extra; ``version`` is None when it is not installed."""

    name: str
    version: str | None


class Check(Frozen):
    """One trial.

    Attributes:
        name: what was tried, for example ``convert onnx``.
        status: ``broken`` means that everything it needs is installed, but it fails.
        detail: the finding, or the cause of the failure, in one line.
        remedy: the command to try next, or an empty string.
    """

    name: str
    status: Literal["ok", "broken", "not installed"]
    detail: str
    remedy: str = ""
    seconds: float = 0.0


class Diagnosis(Frozen):
    """What ``edgekit doctor`` found.

    Attributes:
        packages: by extra; the core's under ``core``.
        target: class of this CPU, which decides how int8 is made for it; None for a CPU that edgekit does not know.
        features: this CPU's instruction-set features, as far as they matter to the runtimes.
        free_bytes: free disk space in the working and in the temporary folder.
    """

    edgekit: str
    python: str
    system: str
    packages: dict[str, tuple[Package, ...]]
    target: TargetClass | None
    features: tuple[str, ...]
    free_bytes: dict[str, int]
    checks: tuple[Check, ...]

    @property
    def broken(self) -> tuple[Check, ...]:
        """The checks of installed packages that failed."""
        return tuple(check for check in self.checks if check.status == "broken")

    def raise_failures(self) -> None:
        """Raise :class:`ToolError` when something that is installed does not work."""
        if self.broken:
            names = ", ".join(check.name for check in self.broken)
            raise ToolError(f"installed, but not working: {names}", self.broken[0].remedy)


def diagnose(progress: Progress) -> Diagnosis:
    """Try everything that is installed; ``progress`` receives each trial as it begins."""
    checks = []
    for runtime, needed in RUNTIMES.items():
        progress(Step(f"running a file in {runtime}"))
        checks.append(attempt(f"run {runtime}", needed, "run", partial(try_runtime, runtime)))
    for runtime, needed in RUNTIMES.items():
        progress(Step(f"asking {runtime} for its devices"))
        checks.append(attempt(f"devices {runtime}", needed, "run", partial(list_devices, runtime)))
    for format_, needed in CONVERTERS.items():
        progress(Step(f"converting a network to {format_}"))
        checks.append(attempt(f"convert {format_}", needed, "export", partial(try_conversion, format_)))
    progress(Step("importing the report's packages"))
    checks.append(attempt("report", ("jinja2",), "report", try_report))
    return Diagnosis(
        edgekit=__version__,
        python=platform.python_version(),
        system=platform.platform(),
        packages=packages(),
        target=target_class(),
        features=cpu_features(),
        free_bytes={
            "working folder": free_bytes(Path.cwd()),
            "temporary folder": free_bytes(Path(tempfile.gettempdir())),
        },
        checks=tuple(checks),
    )


def attempt(name: str, needed: tuple[str, ...], extra: str, trial: Callable[[], str]) -> Check:
    """Carry out ``trial`` when the packages it needs are installed; its failure becomes the check's detail."""
    absent = [package for package in needed if installed_version(package) is None]
    if absent:
        return Check(
            name=name, status="not installed", detail=f"needs {', '.join(absent)}", remedy=install_command(extra)
        )
    begin = time.monotonic()
    try:
        detail = trial()
    except EdgekitError as error:
        cause = str(error).splitlines()[0]
        took = time.monotonic() - begin
        return Check(name=name, status="broken", detail=cause, remedy=install_command(extra), seconds=took)
    return Check(name=name, status="ok", detail=detail, seconds=time.monotonic() - begin)


def try_runtime(runtime: Runtime) -> str:
    """Run the file that edgekit ships for the runtime and compare with the stored outputs."""
    request = doctor_probe.Asked(runtime=runtime)
    found = run_isolated(doctor_probe.run_shipped, request, TIMEOUT_S, f"running a file in {runtime}")
    return judge(found, f"{runtime} {found.version} runs")


def list_devices(runtime: Runtime) -> str:
    """The accelerators that the runtime can use here, in words. Having only the CPU is no failure."""
    request = doctor_probe.Asked(runtime=runtime)
    found = run_isolated(doctor_probe.list_devices, request, TIMEOUT_S, f"asking {runtime} for its devices")
    return "; ".join(found.devices)


def try_conversion(format_: Format) -> str:
    """Convert a two-layer network, run the file, and compare with PyTorch."""
    with scratch_folder("doctor") as folder:
        request = doctor_probe.Conversion(format=format_, folder=folder)
        made = run_isolated(doctor_probe.convert, request, TIMEOUT_S, f"converting to {format_}")
        found = run_isolated(doctor_probe.run, made, TIMEOUT_S, f"running the {format_} file")
    return judge(found, "converts, runs and agrees with PyTorch")


def try_report() -> str:
    """Import what the HTML report needs."""
    request = doctor_probe.Package(name="jinja2")
    return f"jinja2 {run_isolated(doctor_probe.import_package, request, TIMEOUT_S, 'importing jinja2').version} imports"


def judge(found: doctor_probe.ProbeRun, success: str) -> str:
    """The success text, or a ToolError when the outputs are off."""
    if not found.max_abs <= TOLERANCE:  # also when it is not a number
        raise ToolError(f"the outputs are wrong: they differ by {found.max_abs:.3g}, allowed is {TOLERANCE:g}")
    return f"{success} (differs by {found.max_abs:.1e})"


def packages() -> dict[str, tuple[Package, ...]]:
    """Every package that edgekit's own metadata names, by extra, with the installed version."""
    found: dict[str, list[Package]] = {}
    for line in requirements():
        requirement, _, marker = line.partition(";")
        extra = re.search(r"extra\s*==\s*[\"']([\w-]+)[\"']", marker)
        name = re.match(r"[\w.-]+", requirement)
        if name:
            group = found.setdefault(extra.group(1) if extra else "core", [])
            group.append(Package(name=name.group(), version=installed_version(name.group())))
    return {extra: tuple(group) for extra, group in found.items()}


def installed_version(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def target_class() -> TargetClass | None:
    """The class of this CPU, or None when edgekit knows none for it."""
    try:
        return host_target()
    except ToolError:
        return None


def cpu_features() -> tuple[str, ...]:
    """Those of ``FEATURES`` that the kernel reports for this CPU."""
    flags = cpu_flags(CPUINFO.read_text()) if CPUINFO.exists() else set()
    return tuple(feature for feature in FEATURES if feature in flags)


def free_bytes(folder: Path) -> int:
    """Free disk space where ``folder`` is."""
    return shutil.disk_usage(folder).free
