"""Node data for Model Explorer: latency of operators and SQNR of layers, by the names of output tensors."""

from __future__ import annotations

import json
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


def sqnr_data(layers: LayerErrors) -> dict[str, float]:
    """SQNR in decibels by output tensor, of the layers that have a tensor of their own in the file."""
    return {one.tensor: one.sqnr_db for one in layers.layers if one.tensor is not None and one.sqnr_db is not None}


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
