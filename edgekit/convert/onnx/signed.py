"""Activations of a QDQ model stored as int8 instead of uint8: the same steps of the same numbers, 128 lower.

ONNX Runtime's kernels for ARM's dot product take signed activations as they are (SDOT); unsigned ones they flip first.
Counted on a simulated Cortex-A76: ``docs/results/counting.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...types import TargetClass

if TYPE_CHECKING:
    from onnx import ModelProto

MIDDLE = 128
"""What a uint8 is above the int8 that stands for the same."""


def wants_signed(target: TargetClass) -> bool:
    """True where int8 activations take fewer instructions than uint8; on a Cortex-A72 they take more."""
    return target == "armv8.2-dot"


def sign_activations(model: ModelProto) -> int:
    """Rewrite in place; returns how many zero points and stored constants were uint8. All values stay the same."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    names = {node.input[2] for node in nodes if len(node.input) > 2}
    names |= {node.input[0] for node in nodes if node.input[0] in constants}
    changed = 0
    for name in sorted(names):
        stored = numpy_helper.to_array(constants[name])
        if stored.dtype == np.uint8:
            moved = (stored.astype(np.int16) - MIDDLE).astype(np.int8)
            constants[name].CopyFrom(numpy_helper.from_array(moved, name))
            changed += 1
    del model.graph.value_info[:]  # types of tensors between, which the checker infers again
    return changed
