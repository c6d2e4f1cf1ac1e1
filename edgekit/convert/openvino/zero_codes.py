"""Different codes for zero in a concatenation, in a model that NNCF has quantized.

OpenVINO 2026.4 crashes while it compiles a Gather behind a Concat whose inputs have one code for zero and different
steps (``GatherTransformation::canBeTransformed``). One of the inputs then gets its zero one code further on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .observed import set_ends

if TYPE_CHECKING:
    from openvino import Model, Node


def part_zeros(model: Model) -> int:
    """Widen a quantizer of each such concatenation, in place, if the model has a Gather at all; returns how many."""
    if not any(op.get_type_name() == "Gather" for op in model.get_ordered_ops()):
        return 0
    widened = 0
    for op in model.get_ordered_ops():
        if op.get_type_name() != "Concat":
            continue
        sources = quantizers_above(op)
        codes = [code_of(source) for source in sources]
        known = [code for code in codes if code is not None]
        if len(known) < max(len(codes), 2) or len({zero for zero, _ in known}) > 1 or len({s for _, s in known}) == 1:
            continue
        widen(sources[-1], *known[-1])
        widened += 1
    if widened:
        model.validate_nodes_and_infer_types()
    return widened


def quantizers_above(concat: Node) -> list[Node]:
    """What quantizes the inputs of a concatenation, through further ones; other operators stand for themselves."""
    found: list[Node] = []
    for value in concat.input_values():
        source = value.get_node()
        found += quantizers_above(source) if source.get_type_name() == "Concat" else [source]
    return found


def code_of(op: Node) -> tuple[int, float] | None:
    """The code for zero and the step of a quantizer; None for other operators, ranges by channel or from zero on."""
    if op.get_type_name() != "FakeQuantize":
        return None
    ends: list[np.ndarray[Any, Any]] = [np.array(op.input_value(i).get_node().get_data()) for i in (1, 2)]
    if any(end.size > 1 for end in ends) or ends[0].item() >= 0 or ends[1].item() <= 0:
        return None
    step = (ends[1].item() - ends[0].item()) / (op.get_attributes()["levels"] - 1)
    return round(-ends[0].item() / step), step


def widen(op: Node, zero: int, step: float) -> None:
    """Move the code for zero by one, with a range that holds what it held."""
    steps = op.get_attributes()["levels"] - 1
    moved = zero + 1 if zero < steps // 2 else zero - 1  # towards the middle, where it costs the least
    wider = max(step * zero / moved, step * (steps - zero) / (steps - moved))
    set_ends(op, np.array(-moved * wider), np.array((steps - moved) * wider))
