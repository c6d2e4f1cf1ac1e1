"""Ranges of activations in a model that NNCF has quantized, from what its tensors hold on the calibration images.

NNCF says where quantizers go. It has no range that leaves out so many values an image, and it gives the input of a
depthwise convolution a range for each channel, of what that channel holds on a few images: often too narrow for the
next one. Here such a range is a geometric mean of the channel's own and the tensor's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...types import Quantization
from ..int8.extremes import InnerRange
from ..int8.ranges import values_cut
from .ranges import Port, port_of

if TYPE_CHECKING:
    from openvino import Model, Node

Array = np.ndarray[Any, Any]

OWN = 2 / 3
"""Weight of the channel's own range in the mean."""

NONE: Mapping[str, tuple[float, float]] = MappingProxyType({})

LEAST = 1e-3
"""Share of a tensor's range that a channel has at least, so that one which is always zero has a step too."""


class Ends:
    """How far a tensor and its channels reach below zero and above.

    Args:
        cut: how many values of the tensor are left out at either end.

    Attributes:
        channels: ``(2, C)``, with all values.
    """

    def __init__(self, cut: int) -> None:
        self.channels = np.zeros((2, 1), np.float32)
        self._inner = InnerRange(cut)

    def add(self, values: Array) -> None:
        """Take the values of more images, ``(N, C, ...)``."""
        rows = values.swapaxes(0, 1).reshape(values.shape[1], -1)
        self.channels = np.maximum(self.channels, [-rows.min(1), rows.max(1)])
        self._inner.add(torch.from_numpy(values))

    @property
    def whole(self) -> Array:
        """``(2, 1)``: the tensor's, without what is left out."""
        low, high = self._inner.ends
        return np.array([[max(-low, 0)], [max(high, 0)]])


def set_ranges(
    model: Model, batches: Sequence[Array], settings: Quantization, learnt: Mapping[str, tuple[float, float]] = NONE
) -> int:
    """Give every quantizer of activations its range, in place; returns how many.

    Where a tensor is always zero, NNCF's range stays.

    Args:
        model: quantized by NNCF.
        batches: calibration inputs, ``(N, C, H, W)`` each.
        settings: ``ranges`` is ``min-max`` or ``outliers``.
        learnt: ranges that are known, by the operator that gives the tensor; a quantizer with a range for every channel
            takes them for the tensor's.
    """
    given = 0
    for op, ends in zip(quantizers_of(model), observed(model, batches, settings), strict=True):
        known = learnt.get(op.input_value(0).get_node().friendly_name)
        reach = ends.whole if known is None else np.array([[-known[0]], [known[1]]])
        if not reach.any():
            continue
        if op.input_value(1).get_node().get_data().size > 1:
            reach = np.clip(ends.channels, LEAST * reach, reach) ** OWN * reach ** (1 - OWN)
        steps = op.get_attributes()["levels"] - 1
        set_ends(op, *on_steps(-reach[0], reach[1], steps, settings.activations == "symmetric"))
        given += 1
    model.validate_nodes_and_infer_types()
    return given


def quantizers_of(model: Model) -> list[Node]:
    """The quantizers of activations, in order."""
    return [
        op
        for op in model.get_ordered_ops()
        if op.get_type_name() == "FakeQuantize" and op.input_value(0).get_node().get_type_name() != "Constant"
    ]


def observed(model: Model, batches: Sequence[Array], settings: Quantization) -> list[Ends]:
    """What each of the quantizers is given when there are none."""
    import openvino
    from openvino import opset13

    plain = model.clone()
    sources = {}
    order = []
    for op in quantizers_of(plain):
        source = op.input_value(0)
        order.append(port_of(source))
        sources[order[-1]] = source
        for target in op.output(0).get_target_inputs():
            target.replace_source_output(source)
    results = len(plain.outputs)
    plain.add_results([opset13.result(source) for source in sources.values()])
    compiled = openvino.compile_model(plain, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    found: dict[Port, Ends] = {}
    images = sum(len(batch) for batch in batches)
    for batch in batches:
        made = list(compiled(batch).values())[results:]
        for port, values in zip(sources, made, strict=True):
            cut = values_cut(settings, len(batches) * values.size, images)
            found.setdefault(port, Ends(cut)).add(values)
    return [found[port] for port in order]


def on_steps(low: Array, high: Array, steps: int, symmetric: bool) -> tuple[Array, Array]:
    """Ranges, per tensor or per channel, with zero on one of the codes: that many steps, or so many around zero."""
    if symmetric:
        end = np.maximum(-low, high)
        return (-end * (steps + 1) / (steps - 1) if low.any() else np.zeros_like(end)), end
    step = (high - low) / steps
    zero = np.round(-low / step)
    return -zero * step, (steps - zero) * step


def set_ends(op: Node, low: Array, high: Array) -> None:
    """Write a quantizer's range, for what it takes and what it gives."""
    from openvino import opset13

    for position, end in ((1, low), (2, high), (3, low), (4, high)):
        shape = op.input_value(position).get_node().get_output_shape(0)
        op.input(position).replace_source_output(opset13.constant(end.astype(np.float32).reshape(shape)).output(0))
