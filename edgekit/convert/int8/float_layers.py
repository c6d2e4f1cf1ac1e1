"""Which layers of an int8 artifact stay in float, and which operators of a converted file belong to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from ...errors import UsageError, did_you_mean
from ...types import Layer

FOLLOWERS = {"relu", "hard-swish", "hard-sigmoid"}
PRODUCTS = {"conv", "linear"}


def float_layers(layers: Iterable[Layer], patterns: Iterable[str]) -> tuple[Layer, ...]:
    """The layers that the patterns of ``Quantization.keep_float`` choose, in order.

    If an activation is the only reader of a chosen convolution or linear layer, it is chosen too: runtimes compute the
    two as one.

    Raises:
        UsageError: a pattern chooses nothing.
    """
    every = tuple(layers)
    chosen: set[str] = set()
    for pattern in patterns:
        found = {layer.name for layer in every if matches(layer, pattern)}
        if not found:
            raise UsageError(f"keep_float: no layer of the network matches {pattern!r}", hint(every, pattern))
        chosen |= found
    by_name = {layer.name: layer for layer in every}
    for layer in every:
        if layer.name in chosen and PRODUCTS & set(layer.kinds):
            chosen.update(follower(layer, by_name))
    return tuple(layer for layer in every if layer.name in chosen)


def follower(layer: Layer, layers: Mapping[str, Layer]) -> tuple[str, ...]:
    """The activation that alone reads a layer, by its name; empty where there is none."""
    if len(layer.feeds) != 1 or not FOLLOWERS & set(layers[layer.feeds[0]].kinds):
        return ()
    return layer.feeds


def matches(layer: Layer, pattern: str) -> bool:
    """True when ``pattern`` is a kind of the layer, or matches its path or a path above it."""
    if pattern.startswith("@"):
        return pattern[1:] in layer.kinds
    parts = layer.path.split(".")
    return any(fnmatchcase(".".join(parts[:end]), pattern) for end in range(len(parts), 0, -1))


def hint(layers: Iterable[Layer], pattern: str) -> str:
    """A suggestion for a pattern that chooses nothing."""
    if pattern.startswith("@"):
        return did_you_mean(pattern, {f"@{kind}" for layer in layers for kind in layer.kinds})
    paths = [layer.path for layer in layers]
    above = {".".join(path.split(".")[:end]) for path in paths for end in range(1, path.count(".") + 2)}
    return did_you_mean(pattern, above)


def layers_in(scope: str, names: Collection[str]) -> set[str]:
    """Name of the layer that a converted operator's scope tells, in a set; empty for none.

    Scopes are paths of modules: ``__module.network.features_0_0/aten::_convolution`` (OpenVINO), ``features_0_0``
    (ONNX), ``network.features_0_2.relu6;12`` (TFLite, by the direct writer, whose number makes it unique). Names of
    layers hold no dots, and what is inside a layer belongs to it, whatever it is called.
    """
    return set([part for part in re.split(r"[./]", scope.partition(";")[0]) if part in names][:1])
