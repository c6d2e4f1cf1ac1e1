"""Weights that no file of PyTorch holds, as a table of tensors: TensorFlow's graphs, Keras' files, NumPy's arrays.

TensorFlow keeps kernels as height x width x inputs x outputs, depthwise ones as height x width x channels x multiplier;
PyTorch as outputs x inputs x height x width. The leaf names are those of TF-Slim, Keras and Caffe's converters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .conventions import TF_EPS
from .graphdef import TF_SLIM, is_graph, read_graph
from .keras_config import epsilons
from .keras_files import KerasFile, is_keras, read_keras
from .numpy_files import read_arrays

Arrays = Mapping[str, NDArray[Any]]
LEAVES = {
    **dict.fromkeys(("weights", "weight", "kernel", "depthwise_weights", "depthwise_kernel", "gamma"), "weight"),
    **dict.fromkeys(("biases", "bias", "beta"), "bias"),
    "moving_mean": "running_mean",
    "running_mean": "running_mean",
    "moving_variance": "running_var",
    "running_var": "running_var",
}
DEPTHWISE = ("depthwise_weights", "depthwise_kernel")
PAIR = {"0": "weight", "1": "bias"}
"""Leaf names by the place in a list of kernel and bias."""
VARIANCE = ".running_var"
SHOWN = 3
WITH_BACKGROUND = 1001
"""Outputs of TF-Slim's ImageNet heads: the first is "background", which none of the 1,000 labels means."""


@dataclass(frozen=True)
class Foreign:
    """The weights of a file.

    Attributes:
        state: tensors by name, in PyTorch's layout.
        notes: what was left out, in words.
    """

    state: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def read_foreign(path: Path) -> Foreign | None:
    """The weights of a file that PyTorch did not write; None for any other file.

    Raises:
        ValueError: it is damaged, has no weights, or its arrays are neither in TensorFlow's layout nor in PyTorch's.
        OSError: it cannot be read.
    """
    if is_graph(path):
        graph = read_graph(path)
        return of_graph(graph.constants, graph.epsilons)
    if is_keras(path):
        return of_keras(read_keras(path))
    found = read_arrays(path)
    if found is None:
        return None
    state = state_of(found)
    if not state:
        raise ValueError(f"none of its arrays has the name of a weight: {', '.join(sorted(found)[:SHOWN])}")
    return Foreign(state)


def of_graph(constants: Arrays, epsilons: frozenset[float]) -> Foreign:
    """The weights among a graph's constants.

    Raises:
        ValueError: see :func:`state_of`; or the normalisations have several epsilons, or there are no weights.
    """
    state = state_of({name: array for name, array in constants.items() if array.ndim})
    slim = [match[1] for match in map(TF_SLIM.match, state) if match]
    beside: set[str] = set()
    if slim:
        beside = {name.partition(".")[0] for name in state} - {slim[0]}
        state = {name: value for name, value in state.items() if name.startswith(f"{slim[0]}.")}
    if not state:
        raise ValueError("a TensorFlow graph without weights: freeze its variables into it first")
    notes = [f"{', '.join(sorted(beside))} beside {slim[0]} left out"] if beside else []
    state = with_usual_epsilon(state, epsilons)
    head = [name for name, value in state.items() if ".Logits." in name and len(value) == WITH_BACKGROUND]
    if slim and head:
        state |= {name: state[name][1:].clone() for name in head}
        notes.append("the first of its 1,001 outputs, TF-Slim's background class, left out")
    return Foreign(state, tuple(notes))


def of_keras(file: KerasFile) -> Foreign:
    """The weights in a file of Keras.

    Raises:
        ValueError: see :func:`state_of`; or the normalisations have several epsilons.
    """
    return Foreign(with_usual_epsilon(state_of(file.arrays), epsilons(file.layers)))


def with_usual_epsilon(state: dict[str, Tensor], epsilons: frozenset[float]) -> dict[str, Tensor]:
    """``state`` for TensorFlow's usual epsilon of batch normalisation, which the network gets.

    What is different in the file's goes into the variance.

    Raises:
        ValueError: the normalisations have several.
    """
    if len(epsilons) > 1:
        raise ValueError(f"its normalisations have several epsilons: {', '.join(map(str, sorted(epsilons)))}")
    for more in (epsilon - TF_EPS for epsilon in epsilons if epsilon != TF_EPS):
        state |= {name: (value.double() + more).float() for name, value in state.items() if name.endswith(VARIANCE)}
    return state


def state_of(arrays: Arrays) -> dict[str, Tensor]:
    """Arrays under names of weights, as tensors in PyTorch's layout; other arrays are left out.

    A batch normalisation without gamma or beta gets ones or zeros.

    Raises:
        ValueError: the kernels are in no known layout.
    """
    last = channels_last(arrays)
    state: dict[str, Tensor] = {}
    for name, array in arrays.items():
        prefix, _, leaf = name.replace("/", ".").rpartition(".")
        known = LEAVES.get(leaf)
        if leaf in PAIR and all(f"{name[:-1]}{place}" in arrays for place in PAIR):
            known = PAIR[leaf]
        if known is None or array.dtype.kind != "f" or not prefix:
            continue
        own = channels_first(array, leaf) if last else array
        state[f"{prefix}.{known}"] = torch.from_numpy(np.ascontiguousarray(own, np.float32).copy())
    for name in [name for name in state if name.endswith(".running_mean")]:
        prefix = name.removesuffix("running_mean")
        state.setdefault(f"{prefix}weight", torch.ones_like(state[name]))
        state.setdefault(f"{prefix}bias", torch.zeros_like(state[name]))
    return state


def channels_first(array: NDArray[Any], leaf: str) -> NDArray[Any]:
    """A tensor of TensorFlow's in PyTorch's layout; ``leaf`` is the last part of its name."""
    if array.ndim == 2:
        return array.T
    if array.ndim == 4 and leaf in DEPTHWISE:
        height, width, channels, multiplier = array.shape
        return array.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array


def channels_last(arrays: Arrays) -> bool:
    """Whether the kernels are in TensorFlow's layout: height and width, which are equal in all of them, come first.

    Raises:
        ValueError: they come first in some and last in others.
    """
    shapes = [array.shape for array in arrays.values() if array.ndim == 4]
    if all(shape[2] == shape[3] for shape in shapes):
        return False
    if all(shape[0] == shape[1] for shape in shapes):
        return True
    raise ValueError("its kernels are neither height x width x inputs x outputs nor outputs x inputs x height x width")
