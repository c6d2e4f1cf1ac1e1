"""A report on an error that nobody foresaw, for the issue tracker: what ran, where, and how it ended; no secrets."""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
import time
import traceback
from importlib import metadata
from pathlib import Path

from ... import __version__
from ...base.clean import visible
from ...base.folders import faults_folder
from ...errors import UsageError

PACKAGES = (
    *("numpy", "scipy", "pydantic", "typer", "torch", "onnx", "onnxruntime", "onnxscript", "onnxsim", "litert-torch"),
    *("ai-edge-litert", "litert-quantizer", "openvino", "nncf", "distributed"),
)
TELLING = re.compile(
    r"token|secret|passw(?:or)?d|passphrase|credential|(?:api|access|private)[-_]?key|signature"
    r"|(?<![a-z])auth(?:orization)?(?![a-z])",
    re.IGNORECASE,
)
"""Names of variables and options that hold secrets."""
HIDDEN = "(hidden)"
LONGEST = 200_000
"""Characters of a report: a message may quote a whole file."""


def write_fault(error: BaseException) -> Path | None:
    """Write a report on ``error`` to the user's cache, else to the temporary folder; None when both fail."""
    try:
        text = fault_text(error)
    except Exception:  # noqa: BLE001 - out of memory, or an exception whose own words fail: the exit code still counts
        return None
    for folder in candidates():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / f"edgekit-fault-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
            with os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", errors="backslashreplace"
            ) as f:
                f.write(text)
        except OSError:
            continue
        return path
    return None


def candidates() -> list[Path]:
    """Folders for a report, the best first."""
    import tempfile

    found = []
    for folder in (faults_folder, lambda: Path(tempfile.gettempdir())):
        try:
            found.append(folder())
        except (OSError, UsageError):  # no home folder
            continue
    return found


def fault_text(error: BaseException) -> str:
    """Versions, command and traceback, with what looks like a secret hidden and the home folder as ``~``."""
    versions = [f"{name} {version}" for name in PACKAGES if (version := installed(name))]
    lines = [
        f"edgekit {__version__}, Python {platform.python_version()}, {platform.platform()}",
        ", ".join(versions),
        f"command: {shlex.join(['edgekit', *hide_values(sys.argv[1:])])}",
        "",
        *traceback.format_exception(error),
    ]
    text = visible(cleaned("\n".join(lines)))
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n…\n{text[-LONGEST // 2 :]}"


def installed(package: str) -> str | None:
    """The version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def hide_values(arguments: list[str]) -> list[str]:
    """The arguments, without the values that follow options with telling names."""
    shown: list[str] = []
    for argument in arguments:
        follows = shown and shown[-1].startswith("-") and "=" not in shown[-1] and TELLING.search(shown[-1])
        shown.append(HIDDEN if follows else argument)
    return shown


def cleaned(text: str) -> str:
    """``text`` without users and passwords of addresses, values with telling names, and the name of the home folder."""
    for name, value in os.environ.items():
        if TELLING.search(name) and len(value) >= 6:
            text = text.replace(value, HIDDEN)
    text = re.sub(r"://[^/\s@'\"]+@", f"://{HIDDEN}@", text)
    text = re.sub(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}", rf"\1 {HIDDEN}", text)
    value = r"['\"]?\s*[=:]\s*['\"]?"
    text = re.sub(rf"(?i)([\w-]*(?:{TELLING.pattern})[\w-]*{value})[^\s'\"&,;]+", rf"\1{HIDDEN}", text)
    home = os.environ.get("HOME", "")
    return text.replace(home, "~") if len(home) > 1 else text
