"""Write the programs beside an artifact: ``use.py``, and in ``use/`` those in C++ and Kotlin, with their check data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.fetched.archives import check_npz
from ...base.files import write_atomic
from ...errors import ToolError
from ...types import Artifact, Runtime
from ...types.artifacts import CHECK_FILE
from .constants import cpp_constants, kotlin_constants

if TYPE_CHECKING:
    from numpy.typing import NDArray

SNIPPET_FILE = "use.py"
FOLDER = "use"
"""Holds the programs that have to be built, and what they check themselves with."""
CPP_FILE, KOTLIN_FILE = "use.cpp", "Use.kt"
MAIN = "\n\ndef main():"
BUILD, CONSTANTS, RUN = "//@build", "//@constants", "//@run"


@dataclass(frozen=True)
class Check:
    """What the programs compare.

    Attributes:
        inputs: one array for each input, as the file stores it.
        references: float32, one for each output: the float network's.
    """

    inputs: Sequence[NDArray[Any]]
    references: Sequence[NDArray[Any]]


def write_snippet(folder: Path, artifact: Artifact, check: Check | None = None) -> None:
    """Write the programs of an artifact into its folder.

    Args:
        folder: of the artifact, with its files.
        artifact: what is in the folder.
        check: what the programs check themselves with; that of ``check.npz`` where None, if that is there.

    Raises:
        ToolError: the folder cannot be written, or ``check.npz`` cannot be read.
    """
    write_atomic(folder / SNIPPET_FILE, snippet(artifact.runtime))
    write_atomic(folder / FOLDER / CPP_FILE, cpp(artifact))
    if artifact.runtime == "litert":
        write_atomic(folder / FOLDER / KOTLIN_FILE, kotlin(artifact))
    for name, array in named(check or kept_check(folder)):
        write_atomic(folder / FOLDER / name, np.ascontiguousarray(array).tobytes())


def snippet(runtime: Runtime) -> str:
    """The program in Python: the same for all artifacts of a runtime, with nothing of an artifact in it."""
    before, main, after = text("common.txt").partition(MAIN)
    return f"{before.rstrip()}\n{text(f'{runtime}.txt').rstrip()}\n{main}{after}"


def cpp(artifact: Artifact) -> str:
    """The program in C++, with what the manifest says as constants."""
    build, run = text(f"{artifact.runtime}.cpp").split(f"{RUN}\n")
    common = text("common.cpp").replace(f"{BUILD}\n", build).replace(f"{RUN}\n", run)
    return common.replace(f"{CONSTANTS}\n", cpp_constants(artifact))


def kotlin(artifact: Artifact) -> str:
    """The program in Kotlin for Android, with what the manifest says as constants."""
    return text("litert.kt").replace(f"{CONSTANTS}\n", kotlin_constants(artifact))


def text(name: str) -> str:
    """A file beside this one."""
    return (files("edgekit") / "artifacts" / "snippet" / name).read_text(encoding="utf-8")


def kept_check(folder: Path) -> Check | None:
    """What ``check.npz`` holds, where it is there.

    Raises:
        ToolError: it is damaged.
    """
    path = folder / CHECK_FILE
    if not path.is_file():
        return None
    try:
        check_npz(path)
        with np.load(path, allow_pickle=False) as saved:
            return Check([saved["input"]], [saved["reference"]])
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise ToolError(f"{path} cannot be read: {error}", "export the artifact again") from error


def named(check: Check | None) -> list[tuple[str, NDArray[Any]]]:
    """Names of files, and what goes into them."""
    if check is None:
        return []
    taken = [(f"check_input_{place}.bin", array) for place, array in enumerate(check.inputs)]
    exact = [array.astype(np.float32) for array in check.references]
    return taken + [(f"check_reference_{place}.bin", array) for place, array in enumerate(exact)]
