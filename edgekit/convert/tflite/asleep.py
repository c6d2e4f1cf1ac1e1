"""Layers that are asleep on every calibration image: the range of what they make is a point, its step far too fine.

XNNPACK loads no file with a convolution whose sums have 256 times the step of its result or more (its requantization
scale), and the bias of the layer behind, in steps of its input's, would not fit into 32 bits.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

SUMS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
FINEST = 128.0
"""Steps of a result in one step of its sums, at most; a channel asleep, with huge weights, costs the others nothing."""
WEIGHT_STEPS = 127


def widen_asleep(path: Path, ranges: dict[str, Any], float_nodes: Collection[str] = ()) -> int:
    """Widen such ranges upwards, in place; returns how many.

    Args:
        path: the float model.
        ranges: ``{tensor: {"min": array, "max": array}}``, as the quantizer takes them.
        float_nodes: names of the operators that stay in float.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    names = {int(t["index"]): str(t["name"]) for t in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()  # noqa: SLF001 - nothing public
    computed = {int(tensor) for operator in operators for tensor in operator["outputs"]}
    widened = 0
    for operator in operators:
        if operator["op_name"] not in SUMS or int(operator["inputs"][1]) in computed:  # a product of two computed ones
            continue
        given, made = (names[int(operator[key][0])] for key in ("inputs", "outputs"))
        if made in float_nodes or given not in ranges or made not in ranges:
            continue
        weights = np.abs(interpreter.get_tensor(int(operator["inputs"][1]))).max() / WEIGHT_STEPS
        low, high = ends(ranges[made])
        given_low, given_high = ends(ranges[given])
        least = (given_high - given_low) * float(weights) / (1.0 if high == low else FINEST)
        if high - low < least:
            ranges[made]["max"] = np.full_like(ranges[made]["max"], low + least)
            widened += 1
    return widened


def ends(entry: dict[str, Any]) -> tuple[float, float]:
    """The ends of a range, zero within it, as the quantizer has it."""
    return min(0.0, float(np.min(entry["min"]))), max(0.0, float(np.max(entry["max"])))
