"""An artifact on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .artifacts import Artifact


@dataclass(frozen=True)
class Stored:
    """An artifact and the folder that holds it.

    Attributes:
        folder: holds ``manifest.json`` and the files that it lists.
        artifact: the content of the manifest.
    """

    folder: Path
    artifact: Artifact
