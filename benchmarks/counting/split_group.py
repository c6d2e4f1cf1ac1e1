"""A TFLite artifact whose first grouped convolution is one for each group, as converters write that have no groups."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.types import Stored

from .edit import add_tensor, edited, operator


def with_split_group(stored: Stored, scratch: Path) -> Stored:
    """The artifact so changed, in a folder of ``scratch``; it computes the same.

    Raises:
        ValueError: the file has no convolution of groups.
    """
    return edited(stored, scratch, "split", split_first)


def split_first(schema: Any, model: Any) -> None:
    """Replace the first convolution of groups by a SPLIT, a CONV_2D for each and a CONCATENATION.

    Raises:
        ValueError: as :func:`with_split_group`.
    """
    graph = model.subgraphs[0]
    places = [n for n, one in enumerate(graph.operators) if groups_of(schema, model, one) > 1]
    if not places:
        raise ValueError("no CONV_2D has groups")
    whole = graph.operators[places[0]]
    groups = groups_of(schema, model, whole)
    given, weights, bias = (int(tensor) for tensor in whole.inputs)
    (result,) = (int(tensor) for tensor in whole.outputs)
    axis = add_tensor(schema, model, "split_axis", schema.TensorType.INT32, [], (3).to_bytes(4, "little"))
    slices = [narrowed(schema, model, given, groups, f"slice{n}") for n in range(groups)]
    split = operator(schema, model, "SPLIT", 2, [axis, given], slices)
    split.builtinOptions.numSplits = groups
    made, parts = [split], []
    for n in range(groups):
        part = copy.copy(whole)
        parts.append(narrowed(schema, model, result, groups, f"part{n}"))
        part.inputs = [slices[n], *(rows_of(schema, model, one, groups, n) for one in (weights, bias))]
        part.outputs = [parts[-1]]
        made.append(part)
    joined = operator(schema, model, "CONCATENATION", 2, parts, [result])
    joined.builtinOptions.axis = 3
    graph.operators[places[0] : places[0] + 1] = [*made, joined]


def groups_of(schema: Any, model: Any, one: Any) -> int:
    """Groups of an operator; 0 where it is no CONV_2D."""
    if model.operatorCodes[one.opcodeIndex].builtinCode != schema.BuiltinOperator.CONV_2D:
        return 0
    given, weights = (model.subgraphs[0].tensors[tensor].shape for tensor in one.inputs[:2])
    return int(given[3]) // int(weights[3])


def narrowed(schema: Any, model: Any, tensor: int, groups: int, name: str) -> int:
    """A new tensor of a group's channels of a map; its number."""
    whole = model.subgraphs[0].tensors[tensor]
    made = add_tensor(schema, model, name, whole.type, [*map(int, whole.shape[:3]), int(whole.shape[3]) // groups])
    model.subgraphs[0].tensors[made].quantization = whole.quantization
    return made


def rows_of(schema: Any, model: Any, tensor: int, groups: int, number: int) -> int:
    """A new constant: the rows of weights or biases that make a group's channels; its number."""
    whole = model.subgraphs[0].tensors[tensor]
    rows = int(whole.shape[0]) // groups
    content = np.asarray(model.buffers[whole.buffer].data, np.uint8).reshape(int(whole.shape[0]), -1)
    own = slice(number * rows, (number + 1) * rows)
    shape = [rows, *map(int, whole.shape[1:])]
    made = add_tensor(schema, model, f"rows{tensor}_{number}", whole.type, shape, content[own].tobytes())
    quantization = copy.copy(whole.quantization)
    if quantization is not None and quantization.scale is not None and len(quantization.scale) > 1:
        quantization.scale, quantization.zeroPoint = quantization.scale[own], quantization.zeroPoint[own]
    model.subgraphs[0].tensors[made].quantization = quantization
    return made
