"""Runtime wheels for another machine, downloaded here by pip: a board may have no way to the internet.

Each runtime is asked for by itself, because old boards have some and not others.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ..base.processes.isolate import describe_exit, run_logged, tail
from ..base.progress import Progress, Step
from ..errors import ToolError

DOWNLOAD_S = 900.0
OLDEST_GLIBC = 17
"""glibc 2.17: manylinux2014, which every wheel of these runtimes needs at least."""
RUNTIME_WHEELS = {
    "onnxruntime": (("onnxruntime",),),
    "litert": (("ai-edge-litert",), ("tflite-runtime==2.14.0", "numpy<2")),
    "openvino": (("openvino",),),
}
"""The requirements of each runtime, the preferred ones first."""


@dataclass(frozen=True)
class Machine:
    """What decides which wheels fit: ``3.11``, ``aarch64``, ``2.36``."""

    python: str
    machine: str
    glibc: str

    @property
    def platforms(self) -> list[str]:
        """Pip's names of the platforms whose wheels run there, the newest first."""
        found = re.fullmatch(r"2\.(\d+)", self.glibc)
        if found is None:
            raise ToolError(
                f"the device has glibc {self.glibc or 'of an unknown version'}; the wheels need 2.17 or newer",
                "Alpine and other musl systems have no wheels: use a Debian-like system, or install by hand",
            )
        tags = [f"manylinux_2_{minor}_{self.machine}" for minor in range(int(found[1]), OLDEST_GLIBC - 1, -1)]
        return [*tags, f"manylinux2014_{self.machine}", f"linux_{self.machine}"]


@dataclass
class Wheels:
    """What was downloaded: files, requirements to install, and the runtimes that have none, with the reason."""

    files: list[Path] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    runtimes: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def download_wheels(machine: Machine, runtimes: list[str], folder: Path, progress: Progress) -> Wheels:
    """Download pip, numpy and each runtime that has wheels for ``machine`` into ``folder``.

    Raises:
        ToolError: not even numpy can be had, or none of the runtimes.
    """
    wheels = Wheels()
    progress(Step(f"downloading wheels for Python {machine.python} on {machine.machine}, glibc {machine.glibc}"))
    reason = fetch(machine, ["pip", "numpy"], folder)
    if reason:
        raise ToolError(f"no numpy for Python {machine.python} on {machine.machine}: {reason}")
    for runtime in runtimes:
        reason = ""
        for requirements in RUNTIME_WHEELS[runtime]:
            progress(Step(f"downloading {' '.join(requirements)}"))
            reason = fetch(machine, list(requirements), folder)
            if not reason:
                wheels.requirements += requirements
                wheels.runtimes.append(runtime)
                break
        else:
            wheels.missing[runtime] = reason
    if not wheels.runtimes:
        reasons = "\n".join(f"  {name}: {reason}" for name, reason in wheels.missing.items())
        raise ToolError(f"no runtime has wheels for Python {machine.python} on {machine.machine}:\n{reasons}")
    wheels.requirements.append("numpy")
    wheels.files = sorted(folder.glob("*.whl"))
    return wheels


def fetch(machine: Machine, requirements: list[str], folder: Path) -> str:
    """Download some requirements and what they need; why not, or an empty string."""
    major, _, minor = machine.python.partition(".")
    abis = [f"cp{major}{minor}", "abi3", "none"]
    command = [
        sys.executable, "-P", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
        "--implementation=cp", f"--python-version={machine.python}", *(f"--abi={abi}" for abi in abis),
        *(f"--platform={platform}" for platform in machine.platforms), "--dest", str(folder), *requirements,
    ]  # fmt: skip
    log = folder / "pip.log"
    log.unlink(missing_ok=True)
    code = run_logged(command, log, DOWNLOAD_S)
    if code == 0:
        return ""
    said = [line.strip() for line in tail(log).splitlines() if "ERROR" in line]
    return said[-1] if said else f"pip {describe_exit(code, DOWNLOAD_S)}"


def pip_wheel(files: list[Path]) -> Path:
    """The wheel of pip itself, which runs without being installed."""
    return next(path for path in files if path.name.startswith("pip-"))


def has_pip() -> bool:
    """True when this interpreter has pip, which does the downloading."""
    done = subprocess.run([sys.executable, "-P", "-m", "pip", "--version"], capture_output=True, check=False)
    return done.returncode == 0
