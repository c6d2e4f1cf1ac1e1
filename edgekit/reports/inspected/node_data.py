"""Node data for Model Explorer: latency of operators and SQNR of layers, by the names of output tensors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...types import LayerErrors, OpTime

BLOCKED = "_nchwc"
"""What ONNX Runtime appends to the name of an operator that it computes in blocks of channels."""


@dataclass(frozen=True)
class FileNode:
    """An operator of a file: its own name, and those of the tensors that it writes."""

    name: str
    outputs: tuple[str, ...]


def latency_data(nodes: Sequence[FileNode], times: Sequence[OpTime]) -> dict[str, float]:
    """Milliseconds by output tensor, of the operators that the runtime executes under their own names.

    What it fuses with another has no time of its own; what it adds itself is in no file.
    """
    own = {one.name.removesuffix(BLOCKED): one.ns / 1e6 for one in times}
    found = {}
    for node in nodes:
        name = next((word for word in (node.name, *node.outputs) if word in own), None)
        if name is not None and node.outputs:
            found[node.outputs[0]] = own[name]
    return found


def sqnr_data(nodes: Sequence[FileNode], layers: LayerErrors) -> dict[str, float]:
    """SQNR in decibels by output tensor, of the layers whose names the tensors bear; the last of a layer's is its."""
    known = {layer.name: layer.sqnr_db for layer in layers.layers if layer.sqnr_db is not None}
    last: dict[str, str] = {}
    for node in nodes:
        words = {word for text in (node.name, *node.outputs) for word in re.findall(r"\w+", text)}
        for name in words & known.keys():
            if node.outputs:
                last[name] = node.outputs[0]
    return {output: known[name] for name, output in last.items()}


def node_data(name: str, values: Mapping[str, float], worst_is_high: bool) -> str:
    """The JSON that Model Explorer loads (``NodeDataProviderGraphData``), from white to red.

    Args:
        name: of the data, as it is shown.
        values: by output tensor.
        worst_is_high: red is the highest; else the lowest.
    """
    colours = ("#ffffff", "#e8554d") if worst_is_high else ("#e8554d", "#ffffff")
    return (
        json.dumps(
            {
                "name": name,
                "results": {key: {"value": round(value, 6)} for key, value in values.items()},
                "gradient": [{"stop": stop, "bgColor": colour} for stop, colour in zip((0, 1), colours, strict=True)],
            },
            indent=1,
        )
        + "\n"
    )
