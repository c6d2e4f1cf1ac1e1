"""Squeeze-and-excitation in int8: NNCF knows the block by its chain of operators and leaves its convolutions in float.

It does so only where they have biases, and there is no setting for it. While NNCF works, a reshape that changes nothing
stands between the pool and the first convolution, so that the chain is another; quantizers pass through a reshape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openvino import Model

MARK = "/apart"


def part_gates(model: Model) -> int:
    """Put a reshape behind every mean that a convolution or a linear layer reads, in place; returns how many."""
    from openvino import opset13

    parted = 0
    for op in model.get_ordered_ops():
        if op.get_type_name() != "ReduceMean":
            continue
        readers = [
            target
            for target in op.output(0).get_target_inputs()
            if target.get_node().get_type_name() in ("Convolution", "MatMul")
        ]
        if not readers:
            continue
        # A target of 0 keeps the dimension, whatever its size: the batch may be open.
        same = opset13.reshape(op.output(0), [0] * len(op.get_output_partial_shape(0)), special_zero=True)
        same.set_friendly_name(op.get_friendly_name() + MARK)
        for reader in readers:
            reader.replace_source_output(same.output(0))
        parted += 1
    return parted


def join_gates(model: Model) -> int:
    """Take the reshapes of :func:`part_gates` out again, in place; returns how many."""
    joined = 0
    for op in model.get_ordered_ops():
        if op.get_type_name() == "Reshape" and op.get_friendly_name().endswith(MARK):
            for reader in op.output(0).get_target_inputs():
                reader.replace_source_output(op.input_value(0))
            joined += 1
    return joined
