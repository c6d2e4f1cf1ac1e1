"""Weights that Keras saved: ``.h5``, ``.weights.h5`` and ``.keras`` files, without Keras.

pyfive reads HDF5 in Python alone, so that a hostile file finds no C parser, and it opens no other file. Nothing in a
file is run. Where the file holds the model, its configuration gives the order of the layers; weights alone are in the
order in which they were saved.
"""

from __future__ import annotations

import math
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.distribution import install_command
from ..base.fetched.archives import members
from ..errors import ToolError
from .conventions import KERAS_ROOT
from .keras_config import KerasLayer, read_layers

MAGIC = b"\x89HDF\r\n\x1a\n"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
"""What a ``.keras`` archive holds."""
LARGEST_BYTES = 1 << 30
LARGEST_CONFIG = 1 << 24
MOST_PACKED = 16
"""How many times smaller than its arrays a file may be: weights hardly compress."""
MOST_ARRAYS = 20_000
DEEPEST = 16
KINDS = {
    "Conv2D": "conv",
    "DepthwiseConv2D": "depthwise",
    "BatchNormalization": "norm",
    "Dense": "dense",
}
"""What the layers with weights of the zoo's networks are called, by Keras' class."""
BY_PLACE = {
    "conv": ("kernel", "bias"),
    "depthwise": ("depthwise_kernel", "bias"),
    "dense": ("kernel", "bias"),
    "norm": ("gamma", "beta", "moving_mean", "moving_variance"),
}
"""Leaf names by place, where a file numbers the arrays of a layer."""
NUMBERED = re.compile(r"(?P<layer>(?:layers|_layer_checkpoint_dependencies)/.+)/vars/(?P<place>\d{1,3})$")
SNAKE = {"conv2d": "conv", "depthwise_conv2d": "depthwise", "batch_normalization": "norm", "dense": "dense"}
"""The same kinds in the paths of Keras 3."""
Array = NDArray[Any]
Found = tuple[str, str, dict[str, Any]]
"""Kind, name and arrays of a layer, in the file still."""


@dataclass(frozen=True)
class KerasFile:
    """What a file of Keras holds of a network.

    Attributes:
        arrays: ``keras.KIND.LAYER/LEAF`` to array; each kind of layer in the order of execution.
        layers: of the model; empty where the file holds weights alone.
    """

    arrays: Mapping[str, Array]
    layers: tuple[KerasLayer, ...]


def is_keras(path: Path) -> bool:
    """Whether a file is HDF5 or an archive of Keras."""
    with path.open("rb") as stream:
        start = stream.read(8)
    return start == MAGIC or (start.startswith(b"PK") and {CONFIG, WEIGHTS} <= set(members(path) or ()))


def read_keras(path: Path) -> KerasFile:
    """The weights and the layers in a file of Keras.

    Raises:
        ValueError: it is damaged, would fill the memory, or holds no weights.
        OSError: it cannot be read.
        ToolError: pyfive is not installed.
    """
    with opened(path) as (root, layers):
        return KerasFile(arrays_of(root, layers, min(LARGEST_BYTES, MOST_PACKED * path.stat().st_size)), layers)


def layers_in(path: Path) -> tuple[KerasLayer, ...]:
    """The layers that a file of Keras tells of; empty for one of weights alone.

    Raises:
        ValueError, OSError, ToolError: see :func:`read_keras`.
    """
    with opened(path) as (_, layers):
        return layers


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, tuple[KerasLayer, ...]]]:
    """The root group of a file's HDF5 and the layers that it tells of.

    Raises:
        ValueError, OSError, ToolError: see :func:`read_keras`; also for what happens while the group is read.
    """
    try:
        import pyfive
    except ImportError as error:
        raise ToolError("files of Keras need pyfive, which is not installed", install_command("keras")) from error
    check_size(path.stat().st_size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of attributes that no weight needs
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    check_config(archive.getinfo(CONFIG).file_size)
                    check_size(archive.getinfo(WEIGHTS).file_size)
                    yield pyfive.File(BytesIO(archive.read(WEIGHTS))), read_layers(archive.read(CONFIG))
            else:
                root = pyfive.File(BytesIO(path.read_bytes()))
                yield root, read_layers(root.attrs["model_config"]) if "model_config" in root.attrs else ()
    except Exception as error:  # readers of foreign bytes raise anything; it is the file's fault
        if type(error) is ValueError or isinstance(error, OSError):
            raise
        raise ValueError(f"a damaged file of Keras ({type(error).__name__}: {error})") from error


def arrays_of(root: Any, layers: tuple[KerasLayer, ...], room: int) -> dict[str, Array]:
    """The arrays of all layers, which may take ``room`` bytes.

    Raises:
        ValueError: there are none, or they take more.
    """
    found: dict[str, Array] = {}
    for kind, layer, leaves in named(root, layers) if is_named(root) else numbered(root):
        for leaf, dataset in leaves.items():
            room -= math.prod(dataset.shape) * dataset.dtype.itemsize
            if room < 0:
                raise ValueError(f"{layer}/{leaf} of {tuple(dataset.shape)} is larger than the file allows")
            if dataset.dtype.kind == "f":
                found[f"{KERAS_ROOT}{kind}.{layer.replace('.', '_')}/{leaf}"] = np.asarray(dataset[...])
    if not found:
        raise ValueError("an HDF5 file without weights of Keras' layers")
    return found


def is_named(root: Any) -> bool:
    """Whether a file names its layers, as ``.h5`` files of whole models and of Keras 2 do."""
    return "model_weights" in root or "layer_names" in root.attrs


def named(root: Any, layers: tuple[KerasLayer, ...]) -> Iterator[Found]:
    """The layers with weights of a file that names them."""
    group = root.get("model_weights", root)
    found: dict[str, dict[str, Any]] = {}
    count = 0
    for top in map(word, group.attrs["layer_names"]):
        for name in map(word, group[top].attrs["weight_names"]):
            count += 1
            check_count(count)
            layer, _, leaf = name.removesuffix(":0").rpartition("/")
            found.setdefault(layer, {})[leaf] = group[top][name]
    classes = {layer.name: layer.kind for layer in layers}
    place = {layer.name: index for index, layer in enumerate(layers)}

    def own(layer: str) -> str:
        """The layer's name without those of the models that it is in."""
        return layer if layer in place else layer.rpartition("/")[2]

    # Keras saves what was trained before what was frozen; only the configuration tells the order.
    for layer in sorted(found, key=lambda layer: place.get(own(layer), len(place))):
        leaves = found[layer]
        kind = KINDS.get(classes.get(own(layer), "")) or kind_of(layer, leaves)
        if kind == "depthwise" and "kernel" in leaves:
            leaves["depthwise_kernel"] = leaves.pop("kernel")
        yield kind, layer, leaves


def kind_of(layer: str, leaves: Mapping[str, Any]) -> str:
    """The kind of a layer by its name and its arrays."""
    if "moving_mean" in leaves:
        return "norm"
    if "depthwise_kernel" in leaves or re.search(r"depthwise|conv_dw", layer):
        return "depthwise"
    kernel = leaves.get("kernel")
    return "other" if kernel is None else "conv" if len(kernel.shape) == 4 else "dense"


def numbered(root: Any) -> Iterator[Found]:
    """The layers with weights of a file of Keras 3, which counts those of each kind.

    Raises:
        ValueError: a layer has fewer arrays than its kind, so that their places do not tell what they are.
    """
    found: dict[str, dict[int, Any]] = {}
    for path, dataset in datasets(root):
        match = NUMBERED.match(path)
        if match is not None:
            found.setdefault(match["layer"], {})[int(match["place"])] = dataset

    def place(layer: str) -> tuple[int, int]:
        """A model inside comes before the layers beside it: a backbone before its head."""
        number = re.search(r"_(\d+)$", layer)
        return -layer.count("/"), int(number[1]) if number else 0

    for layer in sorted(found, key=place):
        kind = SNAKE.get(re.sub(r"_\d+$", "", layer.rpartition("/")[2]), "other")
        leaves = BY_PLACE.get(kind, ())
        if kind == "norm" and len(found[layer]) != len(leaves):
            raise ValueError(f"{layer} has {len(found[layer])} arrays, and the file does not say which")
        names = dict(enumerate(leaves))
        yield kind, layer, {names.get(at, str(at)): dataset for at, dataset in sorted(found[layer].items())}


def datasets(root: Any) -> Iterator[tuple[str, Any]]:
    """Every array of a file, with its path.

    Raises:
        ValueError: there are too many, or too deep: groups that contain themselves.
    """
    waiting, count = [("", root, 0)], 0
    while waiting:
        path, group, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError(f"its groups are nested more than {DEEPEST} deep")
        for name in group:
            count += 1
            check_count(count)
            member = group[name]
            if hasattr(member, "shape"):
                yield f"{path}{name}", member
            else:
                waiting.append((f"{path}{name}/", member, depth + 1))


def check_size(size: int) -> None:
    """Make sure that weights are no larger than a light network's, before memory is taken for them.

    Raises:
        ValueError: they are.
    """
    if size > LARGEST_BYTES:
        raise ValueError(f"it has more than {LARGEST_BYTES >> 30} GB")


def check_config(size: int) -> None:
    """Refuse a configuration that would fill the memory.

    Raises:
        ValueError: it would.
    """
    if size > LARGEST_CONFIG:
        raise ValueError(f"its {CONFIG} has more than {LARGEST_CONFIG >> 20} MB")


def check_count(number: int) -> None:
    """Refuse a file with more arrays than any light network has.

    Raises:
        ValueError: it has.
    """
    if number > MOST_ARRAYS:
        raise ValueError(f"it has more than {MOST_ARRAYS} arrays and groups")


def word(value: Any) -> str:
    """A name as text."""
    return value.decode() if isinstance(value, bytes) else str(value)
