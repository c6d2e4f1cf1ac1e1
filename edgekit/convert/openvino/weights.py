"""Weight scales in a model that NNCF has quantized: each channel's own, and such that no pair overflows a CPU's sums.

NNCF gives no channel less than a hundredth of the largest one's range. Where training left a channel asleep, batch
normalisation divides its weights by next to nothing: in one MobileNetV2 two of 16 filters reached 608 and 928, and the
14 others, below 1, were rounded to a tenth of what they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..int8.weight_range import largest_pair

if TYPE_CHECKING:
    from openvino import Model, Node

READERS = {"Convolution": 1, "GroupConvolution": 2, "MatMul": 1}
"""Operators with weights, and how many leading dimensions of these are output channels."""


def scale_weights(model: Model, paired: bool) -> int:
    """Scale the int8 weights of every convolution and linear layer by channel, in place.

    By a channel's largest weight; ``paired``: by its largest pair, for CPUs that saturate. NNCF's 7 bits do the same
    for all channels, whatever their weights (``OverflowFix``); it knows no other scale. Depthwise convolutions have no
    pairs: oneDNN multiplies them in 32 bits. The weights must still be in float; they are stored as int8 here.

    Returns:
        How many layers with int8 weights there are.
    """
    from openvino import opset13 as ops
    from openvino._offline_transformations import compress_quantize_weights_transformation  # as NNCF calls it

    found = 0
    for reader in model.get_ordered_ops():
        leading = READERS.get(reader.get_type_name())
        quantizer = None if leading is None else quantizer_of(reader)
        if leading is None or quantizer is None:
            continue
        found += 1
        weight = torch.from_numpy(np.array(quantizer.input_value(0).get_node().get_data(), np.float32))
        if reader.get_type_name() == "MatMul" and not reader.get_attributes()["transpose_b"]:
            weight = weight.transpose(-1, -2)
        rows = weight.reshape(-1, *weight.shape[leading:])
        depthwise = leading == 2 and weight.shape[1] == weight.shape[2] == 1
        ends = (largest_pair(rows) if paired and not depthwise else rows.flatten(1).abs().amax(1)).numpy()
        for position in (1, 2, 3, 4):  # lowest and highest value, as given and as made of the integers
            source = quantizer.input_value(position).get_node()
            old = np.array(source.get_data(), np.float32)
            new = moved(old, ends)
            quantizer.input(position).replace_source_output(ops.constant(new).output(0))
    model.validate_nodes_and_infer_types()
    compress_quantize_weights_transformation(model)
    return found


def quantizer_of(reader: Node) -> Node | None:
    """The FakeQuantize of an operator's constant weights."""
    source = reader.input_value(1).get_node()
    if source.get_type_name() != "FakeQuantize" or source.input_value(0).get_node().get_type_name() != "Constant":
        return None
    return source


def moved(old: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bounds of a FakeQuantize, ``(channels, 1, ...)`` or with one for several rows, moved to ``ends``.

    A channel of zeros keeps what it has: its step must not be zero.
    """
    size = ends.reshape(old.size, -1).max(1).reshape(old.shape)
    made: np.ndarray[Any, Any] = np.where(size > 0, np.sign(old) * size, old)
    return made.astype(np.float32)
