"""Why a checkpoint file is refused, in edgekit's own words: PyTorch's advise to switch its protection off."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import UsageError

WAY_OUT = "save the weights alone where they come from: torch.save(model.state_dict(), FILE), or a .safetensors file"
CUT = "it may be truncated: compare its size with the source's"
ARCHIVE, PICKLE = b"PK", b"\x80"
"""What the files begin with that torch.save writes: a zip archive, and before PyTorch 1.6 a pickle."""


def refusal(path: Path, error: Exception) -> UsageError:
    """The error for a checkpoint that PyTorch or safetensors could not load, or would not."""
    if type(error).__name__ == "SafetensorError":
        return UsageError(f"{path} is not a whole safetensors file: {error}", CUT)
    if isinstance(error, OSError):
        return UsageError(f"{path} cannot be read as a checkpoint: {error.strerror or error}", "check the file")
    said = str(error)
    named = re.search(r"GLOBAL ([\w.]+)", said)
    if named:
        # The one thing in the file that PyTorch names; what else it holds is not looked at.
        return UsageError(f"{path} is refused: it calls for {named[1]}, which no checkpoint needs", WAY_OUT)
    if "TorchScript" in said:
        return UsageError(f"{path} is refused: it is a TorchScript archive, which holds code", WAY_OUT)
    start = beginning(path)
    if not start:
        return UsageError(f"{path} cannot be read as a checkpoint: it is empty", CUT)
    if not start.startswith((ARCHIVE, PICKLE)):
        return UsageError(
            f"{path} cannot be read as a checkpoint: torch.save writes no file that begins with {start!r}",
            f"look into it: a download may have given a page instead; {WAY_OUT}",
        )
    operand = re.search(r"Unsupported operand (\d+)", said)
    if operand:
        return UsageError(
            f"{path} is refused: it is a pickle that can do more than hold tensors (instruction {operand[1]})", WAY_OUT
        )
    return UsageError(f"{path} cannot be read as a checkpoint: {first_sentence(error)}", CUT)


def beginning(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as stream:
        return stream.read(16)


def first_sentence(error: Exception) -> str:
    """What a reader says happened, without its advice and without what colours a terminal."""
    kind = type(error).__name__
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(error))
    sentence = re.split(r"\.\s|\n", plain, maxsplit=1)[0].strip().rstrip(".")
    # A KeyError or IndexError says a number and no more, and some sentences are about PyTorch's own options.
    return f"{kind}: {sentence}" if " " in sentence and "weights_only" not in sentence else kind
