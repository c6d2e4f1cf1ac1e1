"""The measured time of each convolution of a network, where the operators' names say which is which.

OpenVINO names operators after the modules. ONNX Runtime numbers most of them in the order of the network; the others
are known by their neighbours, and nothing is said where the numbers contradict that. LiteRT's delegate names none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...types import ConvFacts, Measurement, OpTime

MODULE = re.compile(r"__module\.(?P<path>\w+)/aten::_convolution")
NUMBERED = re.compile(r"node_conv2d(?:_(?P<number>\d+))?")


def layer_times(convolutions: Sequence[ConvFacts], measurement: Measurement) -> dict[str, int]:
    """Nanoseconds by the path of the convolution; empty where it cannot be told."""
    operators = [op for op in measurement.per_op or () if re.search(r"conv(?!ert)", op.type, re.IGNORECASE)]
    return by_module(convolutions, operators) or by_place(convolutions, operators)


def by_module(convolutions: Sequence[ConvFacts], operators: Sequence[OpTime]) -> dict[str, int]:
    """By names that hold the module's path, its dots written as ``_``."""
    paths = {conv.name.replace(".", "_"): conv.name for conv in convolutions}
    if len(paths) < len(convolutions):
        return {}
    found: dict[str, int] = {}
    for op in operators:
        name = MODULE.match(op.name)
        if name is not None and name["path"] in paths:
            path = paths[name["path"]]
            found[path] = found.get(path, 0) + op.ns
    return found


def by_place(convolutions: Sequence[ConvFacts], operators: Sequence[OpTime]) -> dict[str, int]:
    """By the order, where there are as many and every number that a name has is its place."""
    if len(operators) != len(convolutions):
        return {}
    numbered = [(place, NUMBERED.fullmatch(op.name)) for place, op in enumerate(operators)]
    anchors = [(place, int(found["number"] or 0)) for place, found in numbered if found is not None]
    if not anchors or any(place != number for place, number in anchors):
        return {}
    return {conv.name: op.ns for conv, op in zip(convolutions, operators, strict=True)}
