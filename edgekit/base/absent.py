"""A file that is not there: said so, with what lies nearest to its name."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..errors import UsageError, did_you_mean

ENDINGS = frozenset(
    [
        ".onnx",
        ".tflite",
        ".xml",
        ".bin",
        ".json",
        ".toml",
        ".py",
        ".pt2",
        ".pt",
        ".pth",
        ".pkl",
        ".ckpt",
        ".tar",
        ".safetensors",
        ".npz",
        ".npy",
        ".h5",
        ".keras",
        ".pb",
    ]
)
"""What names of files end with, and no model's id does."""
MOST_LOOKED_AT = 10_000


def is_absent_file(name: str) -> bool:
    """True for what can only be a file's name, and nothing is there."""
    return Path(name).suffix.lower() in ENDINGS and not Path(name).exists()


def no_file(name: str) -> UsageError:
    """The error of a file that is not there."""
    path = Path(name)
    if not path.parent.is_dir():
        return UsageError(f"there is no file {name}: there is no folder {path.parent}", "check the path")
    beside = [one.name for _, one in zip(range(MOST_LOOKED_AT), path.parent.iterdir(), strict=False)]
    near = did_you_mean(path.name, [one for one in beside if Path(one).suffix == path.suffix])
    return UsageError(f"there is no file {name}", near or f"list what is there: ls {shlex.quote(str(path.parent))}")
