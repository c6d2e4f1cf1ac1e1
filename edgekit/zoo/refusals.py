"""Why a checkpoint file is refused, in edgekit's own words: PyTorch's advise to switch its protection off."""

from __future__ import annotations

import re
from pathlib import Path

from ..base.fetched.archives import members
from ..errors import SHOWN, UsageError

WAY_OUT = "save the weights alone where they come from: torch.save(model.state_dict(), FILE), or a .safetensors file"
CUT = "it may be truncated: compare its size with the source's"
ONE_FILE = 'save it in one file: model.save_pretrained(FOLDER, max_shard_size="10GB")'
OTHERS = {
    b"TFL3": "a TFLite file",
    b"\x08\x01\x12\x07pytorch": "an ONNX file",
    b"version https:/": "a pointer of Git LFS; fetch the file itself with git lfs pull",
    b"\x1f\x8b": "a gzip archive; unpack it",
    b"\xfd7zXZ": "an xz archive; unpack it",
}
"""What files begin with that are given for checkpoints."""
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
        return UsageError(f"{path} is refused: it calls for {named[1][:SHOWN]}, which no checkpoint needs", WAY_OUT)
    if "reduce for unrecognized function" in said:
        return UsageError(f"{path} is refused: it calls a function that it has put together itself", WAY_OUT)
    if "TorchScript" in said:
        return UsageError(f"{path} is refused: it is a TorchScript archive, which holds code", WAY_OUT)
    start = beginning(path)
    if not start:
        return UsageError(f"{path} cannot be read as a checkpoint: it is empty", CUT)
    other = other_file(path, start)
    if other is not None:
        return other
    operand = re.search(r"Unsupported operand (\d+)", said)
    if operand and start.startswith(ARCHIVE):
        return UsageError(
            f"{path} is refused: it is pickled with a later protocol than torch.save's own 2, of which no safe reader "
            f"is at hand (instruction {operand[1]})",
            "save it without pickle_protocol, or as a .safetensors file",
        )
    if operand:
        return UsageError(
            f"{path} is refused: it is a pickle that can do more than hold tensors (instruction {operand[1]})", WAY_OUT
        )
    return UsageError(f"{path} cannot be read as a checkpoint: {first_sentence(error)}", CUT)


def other_file(path: Path, start: bytes) -> UsageError | None:
    """The error for a file that is no checkpoint by its content, whatever PyTorch says of it; None for another one."""
    kind = next((what for begins, what in OTHERS.items() if begins in start), None)
    if kind is not None:
        return UsageError(f"{path} is not a PyTorch checkpoint: it is {kind}", "give a .pth, .pt or .safetensors file")
    if start.startswith(b"{") and path.name.endswith(".index.json"):
        return UsageError(f"{path} is the index of weights in several files, and edgekit reads one", ONE_FILE)
    if tarfile_inside(path):
        return UsageError(
            f"{path} is not a PyTorch checkpoint: it is a tar archive; unpack it",
            "give the .pth, .pt or .safetensors file in it",
        )
    if not start.startswith((ARCHIVE, PICKLE)):
        return UsageError(
            f"{path} cannot be read as a checkpoint: torch.save writes no file that begins with {start!r}",
            f"look into it: a download may have given a page instead; {WAY_OUT}",
        )
    foreign = foreign_archive(path)
    if "/data/weights/" in foreign:
        return UsageError(
            f"{path} is a program of torch.export, whose weights have no network's names",
            f"in Python, edgekit.export takes what torch.export.load gives; or {WAY_OUT}",
        )
    if foreign:
        return UsageError(f"{path} is not a PyTorch checkpoint: it is a zip archive of {foreign}", WAY_OUT)
    return None


def foreign_archive(path: Path) -> str:
    """The first names in a zip archive that ``torch.save`` has not written; empty for any other file."""
    names = members(path)
    if names is None or any(name.endswith("data.pkl") for name in names):
        return ""
    return ", ".join(name[:SHOWN] for name in names[:3]) or "nothing"


def tarfile_inside(path: Path) -> bool:
    """Whether a file is a tar archive, by its mark; ``torch.save`` wrote other ones until 2018."""
    with path.open("rb") as stream:
        return stream.read(512)[257:262] == b"ustar"


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
