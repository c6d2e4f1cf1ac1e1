"""What a model of Keras says of itself: its layers in the order of execution, as JSON in the file.

Nothing is made from it: classes are compared by name, and Lambda layers, which carry code, are not decoded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEEPEST = 8
"""Models inside of models."""


@dataclass(frozen=True)
class KerasLayer:
    """One layer.

    Attributes:
        name: its own, without the models that it is in.
        kind: Keras' class: ``Conv2D``, ``DepthwiseConv2D`` …
        settings: the arguments that it was made with, as read.
    """

    name: str
    kind: str
    settings: dict[str, Any]


def read_layers(text: str | bytes) -> tuple[KerasLayer, ...]:
    """The layers of a model in the order of execution, those of models inside of it in their place.

    Raises:
        ValueError: it is no configuration of a model.
    """
    try:
        return tuple(walk(json.loads(text), 0))
    except RecursionError as error:
        raise ValueError("its configuration is nested too deeply") from error


def walk(said: Any, depth: int) -> Iterator[KerasLayer]:
    """The layers of one entry of a configuration."""
    if depth > DEEPEST:
        raise ValueError(f"it has models inside of models, {DEEPEST} deep")
    if not isinstance(said, dict) or not isinstance(settings := said.get("config"), dict):
        return
    inside = settings.get("layers")
    if isinstance(inside, list):
        for one in inside:
            yield from walk(one, depth + 1)
        return
    yield KerasLayer(str(settings.get("name", "")), str(said.get("class_name", "")), settings)


def epsilons(layers: tuple[KerasLayer, ...]) -> frozenset[float]:
    """The epsilons of the batch normalisations, each once."""
    said = [layer.settings.get("epsilon") for layer in layers if layer.kind == "BatchNormalization"]
    return frozenset(float(one) for one in said if isinstance(one, float | int) and 0 < one < 1)


def input_size(layers: tuple[KerasLayer, ...]) -> tuple[int, int] | None:
    """Height and width of the images that the model takes; None where they are open or it does not say."""
    for layer in layers:
        shape = layer.settings.get("batch_shape", layer.settings.get("batch_input_shape"))
        if isinstance(shape, list) and len(shape) == 4 and all(isinstance(side, int) for side in shape[1:3]):
            return shape[1], shape[2]
    return None


def rescaling(layers: tuple[KerasLayer, ...]) -> tuple[float, float] | None:
    """Mean and standard deviation, for pixels from 0 to 1, that the model's own Rescaling layer stands for.

    It computes ``pixel * scale + offset`` of pixels from 0 to 255. None without one.
    """
    for layer in layers:
        scale, offset = layer.settings.get("scale"), layer.settings.get("offset", 0.0)
        if layer.kind == "Rescaling" and isinstance(scale, float) and isinstance(offset, float | int) and scale > 0:
            return -offset / (scale * 255), 1 / (scale * 255)
    return None
