"""Pools in the form that OpenVINO's CPU plugin executes in int8, and rightly.

PyTorch's converts to MaxPool-14, which also gives the index of each maximum. The plugin's int8 transformations do not
take it: activations were brought back to float before each pool, and the convolution behind it ran in float
(SqueezeNet: 3 of 26). Where nobody reads the indices, MaxPool-1 is the same function.

A mean that counts its padding is wrong in int8: the plugin pads with the code 0, which is zero only where nothing is
negative (9.9 dB in place of 42 behind a plain convolution).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from openvino import Model, Node


def drop_pool_indices(model: Model) -> int:
    """Replace every MaxPool whose indices are unused, in place; returns how many."""
    from openvino import opset1

    changed = 0
    for pool in model.get_ordered_ops():
        if pool.get_type_name() != "MaxPool" or len(pool.outputs()) != 2 or not replaceable(pool):
            continue
        attributes = pool.get_attributes()
        plain = opset1.max_pool(
            pool.input_value(0),
            attributes["strides"],
            attributes["pads_begin"],
            attributes["pads_end"],
            attributes["kernel"],
            # The two ways of rounding up differ only in a window that would begin in the padding.
            attributes["rounding_type"].removesuffix("_torch"),
            attributes["auto_pad"],
        )
        if plain.get_output_partial_shape(0) != pool.get_output_partial_shape(0):
            continue
        put_in(pool, plain)
        changed += 1
    if changed:
        model.validate_nodes_and_infer_types()
    return changed


def put_in(old: Node, new: Node) -> None:
    """Let all that reads the first output of ``old`` read ``new``, which takes its name."""
    new.set_friendly_name(old.get_friendly_name())
    for target in old.output(0).get_target_inputs():
        target.replace_source_output(new.output(0))


def replaceable(pool: Node) -> bool:
    """True when nothing reads the indices and no window has holes."""
    return not pool.output(1).get_target_inputs() and set(pool.get_attributes()["dilations"]) <= {1}


def leave_out_padding(model: Model) -> int:
    """Write every mean that counts its padding as one that does not, times its share of each window; how many.

    The model is changed in place. Means whose windows are rounded up, or whose sizes are open, stay.
    """
    from openvino import opset1, opset13

    changed = 0
    for pool in model.get_ordered_ops():
        if pool.get_type_name() != "AvgPool" or not pool.get_input_partial_shape(0).is_static:
            continue
        said = pool.get_attributes()
        begin, end, kernel, steps = (said[name] for name in ("pads_begin", "pads_end", "kernel", "strides"))
        if said["exclude-pad"] or not any((*begin, *end)) or said["rounding_type"] != "floor":
            continue
        if said["auto_pad"] != "explicit" or set(said.get("dilations", (1,))) != {1}:
            continue
        share = np.ones((), np.float32)
        for size, before, window, step, made in zip(
            pool.get_input_shape(0)[2:], begin, kernel, steps, pool.get_output_shape(0)[2:], strict=True
        ):
            first = np.arange(made) * step - before
            inside = np.minimum(first + window, size) - np.maximum(first, 0)
            share = share[..., None] * (inside / window).astype(np.float32)
        mean = opset1.avg_pool(pool.input_value(0), steps, begin, end, kernel, True)
        whole = opset13.multiply(mean, share[None, None])
        put_in(pool, whole)
        changed += 1
    if changed:
        model.validate_nodes_and_infer_types()
    return changed
