"""``--data``: which source a name means."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..types import Preprocessing
from .datasets import Dataset
from .fashion_mnist import NAME, fashion_mnist
from .image_folder import image_folder
from .npz_file import npz_file


def load_data(source: str, preprocessing: Preprocessing) -> Dataset:
    """``fashion-mnist``, ``fashion-mnist:DIR``, a ``.npz`` file or a folder of class folders.

    Raises:
        UsageError: nothing of that name, or one that a source refuses.
        ToolError: Fashion-MNIST is not installed.
    """
    if source == NAME:
        return fashion_mnist()
    if source.startswith(f"{NAME}:"):
        return fashion_mnist(Path(source.removeprefix(f"{NAME}:")))
    path = Path(source)
    if path.suffix == ".npz":
        return npz_file(path)
    if path.is_dir():
        return image_folder(path, preprocessing)
    raise UsageError(f"no training data at {source!r}", f"--data takes {NAME}, {NAME}:DIR, a folder or a .npz file")
