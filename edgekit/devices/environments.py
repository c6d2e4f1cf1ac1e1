"""Python environments on this machine, each with one version of a runtime; pip makes them from wheels, and they are
kept.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ..base.folders import environments_folder
from ..base.processes.isolate import describe_exit, run_logged, tail
from ..base.progress import Progress, Step
from ..base.scratch import scratch_folder
from ..errors import ToolError, UsageError, did_you_mean
from ..types import Runtime
from .wheels import has_pip

REQUIREMENT = re.compile(r"(?P<package>[A-Za-z][A-Za-z0-9._-]{0,60})==(?P<version>[0-9][A-Za-z0-9.+!-]{0,40})")
PACKAGES: dict[str, Runtime] = {"onnxruntime": "onnxruntime", "ai-edge-litert": "litert", "openvino": "openvino"}
EXAMPLE = "for example onnxruntime==1.22.0, ai-edge-litert==2.1.0 or openvino==2025.3.0"
INSTALL_S = 900.0


@dataclass(frozen=True)
class Wanted:
    """A version of a runtime's package, as pip names it."""

    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def runtime(self) -> Runtime:
        """The runtime that the package is."""
        return PACKAGES[self.package]


def wanted(text: str, option: str) -> Wanted:
    """``onnxruntime==1.22.0`` of a command line.

    Raises:
        UsageError: something else, or a package that is no runtime.
    """
    found = REQUIREMENT.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option} takes a package and its version, got {text!r}", EXAMPLE)
    package = found["package"].lower().replace("_", "-")
    if package not in PACKAGES:
        hint = did_you_mean(package, PACKAGES)
        raise UsageError(f"{option}: {package} is not a runtime; there are {', '.join(PACKAGES)}", hint)
    return Wanted(package, found["version"])


def python_with(asked: Wanted, progress: Progress, kept: Path | None = None) -> Path:
    """The interpreter of an environment with this version and numpy; made when there is none yet.

    Pip's own settings hold: an index, a proxy, or a folder of wheels (``PIP_FIND_LINKS``, ``PIP_NO_INDEX``).

    Args:
        asked: the version.
        progress: told when one is made.
        kept: folder of the environments; that of the cache when None.

    Raises:
        ToolError: pip is missing here, has no such wheel for this machine, or the cache cannot be written.
    """
    folder = (
        kept or environments_folder()
    ) / f"{asked.package}-{asked.version}-py{sys.version_info[0]}{sys.version_info[1]}"
    python = folder / "bin" / "python"
    if python.exists():
        return python
    if not has_pip():
        raise ToolError("this Python has no pip, which makes the environments", "python -m ensurepip")
    progress(Step(f"making an environment with {asked}"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder("environment", folder.parent) as work:
            made = work / "made"
            run(asked, [sys.executable, "-P", "-m", "venv", "--without-pip", str(made)], work)
            pip = [sys.executable, "-P", "-m", "pip", "--python", str(made / "bin" / "python"), "install", "--quiet"]
            run(asked, [*pip, "--disable-pip-version-check", "--only-binary=:all:", str(asked), "numpy"], work)
            try:
                made.rename(folder)
            except OSError:
                if not python.exists():  # else another run has made the same meanwhile
                    raise
    except OSError as error:
        raise ToolError(f"the environment of {asked} cannot be kept in {folder.parent}: {error}") from error
    return python


def run(asked: Wanted, command: list[str], work: Path) -> None:
    """Run a step.

    Raises: ToolError: it failed; the message ends with its last output.
    """
    log = work / "log"
    code = run_logged(command, log, INSTALL_S)
    if code == 0:
        return
    said = [line.strip().removeprefix("ERROR: ") for line in tail(log).splitlines() if "ERROR" in line]
    reason = said[-1] if said else f"{describe_exit(code, INSTALL_S)}: {tail(log)}"
    raise ToolError(f"no environment with {asked}: {reason}", f"pip index versions {asked.package} lists what there is")
