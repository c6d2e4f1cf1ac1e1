"""What both kinds of exports share: the artifact, and the digest by which it is kept.

``CACHE/plain/<model>/<format>-<precision>-<key>/`` holds a plain export, ``CACHE/edgekit/<key>/<model>/<profile>/``
what ``edgekit export`` made. The key of a plain export covers the network's code, its weights' seed, the card, the
photos, the tools' versions and ``plain.py``; that of edgekit's covers all of edgekit. So a change of a pass makes only
edgekit's side again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edgekit
from edgekit.types import RUNTIME_OF, Format, Precision

from .places import ROOT

PACKAGE = Path(edgekit.__file__).parent
EXPORT_S = 1800.0
FORMATS: tuple[Format, ...] = tuple(RUNTIME_OF)
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")
UNSIGNED = "unsigned-int8"
"""The second plain int8 export for ONNX Runtime, beside ``plain-int8``: with unsigned activations."""


@dataclass(frozen=True)
class Made:
    """One artifact, plain or edgekit's, or why there is none.

    Attributes:
        model_file: what a runtime opens; None when the export failed.
        error: why it failed, in words; empty otherwise.
        facts: what is told of it: size_bytes, sqnr_db, transposes, partitions, delegated_share, cpu_seconds, …
    """

    model_file: Path | None
    error: str
    facts: dict[str, Any]


def digest(files: Iterable[Path], words: Iterable[str]) -> str:
    """The first digits of the SHA-256 of the files' names and contents and of the words."""
    total = hashlib.sha256()
    for path in files:
        total.update(f"{path.name}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    for word in words:
        total.update(f"{word}\0".encode())
    return total.hexdigest()[:12]


def child_env() -> dict[str, str]:
    """What lets a child process find this package."""
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": str(ROOT) + (os.pathsep + inherited if inherited else "")}
