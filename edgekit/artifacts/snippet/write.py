"""Write ``use.py`` beside an artifact: the same for all artifacts of a runtime, with nothing of an artifact in it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ...base.files import write_atomic
from ...types import Runtime

SNIPPET_FILE = "use.py"
MAIN = "\n\ndef main():"


def write_snippet(folder: Path, runtime: Runtime) -> None:
    """Write the program of a runtime into an artifact's folder; it reads the manifest there.

    Raises:
        ToolError: the folder cannot be written.
    """
    write_atomic(folder / SNIPPET_FILE, snippet(runtime))


def snippet(runtime: Runtime) -> str:
    """The text of the program."""
    texts = files("edgekit") / "artifacts" / "snippet"
    before, main, after = (texts / "common.txt").read_text(encoding="utf-8").partition(MAIN)
    own = (texts / f"{runtime}.txt").read_text(encoding="utf-8").rstrip("\n")
    return f"{before.rstrip()}\n{own}\n{main}{after}"
