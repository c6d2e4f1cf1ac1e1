"""Files as Keras writes them, made from a network of edgekit's."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from torch import Tensor, nn

Layers = list[tuple[str, str, dict[str, np.ndarray]]]
"""Keras' class, name and arrays of each layer, in the order of execution."""
SNAKE = {
    "Conv2D": "conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "BatchNormalization": "batch_normalization",
    "Dense": "dense",
}


def keras_layers(network: nn.Module) -> Layers:
    """A network's layers in Keras' terms; a convolution's name says nothing, a depthwise one's says so."""
    found: Layers = []
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            leaves = zip(("gamma", "beta"), (module.weight, module.bias), strict=True)
            moving = {"moving_mean": array(module.running_mean), "moving_variance": array(module.running_var)}
            found.append(("BatchNormalization", "bn", {k: array(v) for k, v in leaves} | moving))
        elif isinstance(module, nn.Conv2d):
            depthwise = 1 < module.groups == module.in_channels
            axes = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
            kernel = {"kernel": array(module.weight).transpose(axes)}
            bias = {} if module.bias is None else {"bias": array(module.bias)}
            found.append(
                ("DepthwiseConv2D" if depthwise else "Conv2D", "depthwise" if depthwise else "c", kernel | bias)
            )
        elif isinstance(module, nn.Linear):
            found.append(("Dense", "d", {"kernel": array(module.weight).T, "bias": array(module.bias)}))
    return [(kind, f"{name}_{index}", leaves) for index, (kind, name, leaves) in enumerate(found)]


def array(value: Tensor | None) -> np.ndarray:
    assert value is not None
    return np.asarray(value.detach())


def configuration(layers: Layers, size: int, **more: dict[str, Any]) -> str:
    """The JSON of a model with these layers inside of it as a backbone; ``more``: settings of further ones by class."""
    first = {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": [None, size, size, 3]}}
    extra = [{"class_name": kind, "config": {"name": kind.lower(), **settings}} for kind, settings in more.items()]
    own = [{"class_name": k, "config": {"name": n, **({"epsilon": 1e-3} if k[0] == "B" else {})}} for k, n, _ in layers]
    inner = {"class_name": "Functional", "config": {"name": "backbone", "layers": own}}
    return json.dumps({"class_name": "Functional", "config": {"name": "m", "layers": [first, *extra, inner]}})


def write_named(path: Path, layers: Layers, config: str = "", frozen: int = 0, suffix: str = "") -> Path:
    """An ``.h5`` file of a whole model, or of weights without ``config``; ``frozen`` layers are saved last."""
    with h5py.File(path, "w") as file:
        group = file
        if config:
            file.attrs["model_config"] = config
            group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"input", b"backbone"]
        group.create_group("input").attrs["weight_names"] = np.array([], "S1")
        inner = group.create_group("backbone")
        names = []
        for _, layer, leaves in [*layers[frozen:], *layers[:frozen]]:
            for leaf, value in leaves.items():
                names.append(f"{layer}/{leaf}{suffix}".encode())
                inner[names[-1].decode()] = value
        inner.attrs["weight_names"] = names
    return path


def write_numbered(target: Any, layers: Layers) -> None:
    """A ``.weights.h5`` file of Keras 3."""
    counts: Counter[str] = Counter()
    with h5py.File(target, "w") as file:
        for kind, _, leaves in layers:
            name = SNAKE[kind]
            number = f"_{counts[kind]}" if counts[kind] else ""
            counts[kind] += 1
            for place, value in enumerate(leaves.values()):
                file[f"layers/functional/layers/{name}{number}/vars/{place}"] = value


def write_archive(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
