"""One range for the tensors that slices and concatenations connect, in a model that NNCF has quantized.

NNCF quantizes behind a slice rather than in front of it where a tensor is read in several parts. OpenVINO's CPU plugin
then writes the tensor as float, slices it as float and quantizes each part. With one quantizer per tensor in front of
all slices, and one range for all that are concatenated in the end, slices and concatenations move int8 values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from openvino import Model, Node, Output

CUTTING = ("Slice", "StridedSlice", "Split", "VariadicSplit")
PASSING = (*CUTTING, "Concat", "FakeQuantize")

Port = tuple[str, int]


def join_ranges(model: Model) -> int:
    """Move the quantizers behind slices in front of them, in place; returns how many sets of tensors got one range.

    The range of a set is the union of those of its quantizers. A set is left alone when there is none behind a slice,
    or when an operator reads one of its parts in float.
    """
    sets = [ops for ops in connected(model) if any(cuts_float(op) for op in ops) and all(map(is_covered, ops))]
    for ops in sets:
        quantizers = [op for op in ops if op.get_type_name() == "FakeQuantize"]
        levels = max(op.get_attributes()["levels"] for op in quantizers)
        low, high = union(quantizers, levels)
        quantize_sources(ops, low, high, levels)
        for old in quantizers:
            for target in old.output(0).get_target_inputs():
                target.replace_source_output(old.input_value(0))
    if sets:
        model.validate_nodes_and_infer_types()
    return len(sets)


def connected(model: Model) -> list[list[Node]]:
    """The operators that pass activations on, in sets that hand them to each other."""
    passing = {op.get_name(): op for op in model.get_ordered_ops() if passes(op)}
    leader: dict[Port, Port] = {}

    def find(port: Port) -> Port:
        while leader.setdefault(port, port) != port:
            port = leader[port]
        return port

    for op in passing.values():
        first, *others = [port_of(output) for output in (*activations(op), *op.outputs())]
        for other in others:
            leader[find(other)] = find(first)
    sets: dict[Port, list[Node]] = {}
    for op in passing.values():
        sets.setdefault(find(port_of(op.output(0))), []).append(op)
    return list(sets.values())


def passes(op: Node) -> bool:
    """True for an operator whose results are values of its input, rounded perhaps; a quantizer of weights is none."""
    if op.get_type_name() not in PASSING or any(s.get_node().get_type_name() == "Constant" for s in activations(op)):
        return False
    ends = (op.input_value(i).get_node() for i in range(1, 5)) if op.get_type_name() == "FakeQuantize" else ()
    return all(end.get_type_name() == "Constant" and end.get_data().size == 1 for end in ends)


def activations(op: Node) -> Iterator[Output]:
    """What an operator passes on: all inputs of a concatenation, else the first."""
    for index in range(op.get_input_size() if op.get_type_name() == "Concat" else 1):
        yield op.input_value(index)


def port_of(output: Output) -> Port:
    """A key for a tensor."""
    return output.get_node().get_name(), output.get_index()


def readers(output: Output) -> Iterator[Node]:
    """The operators that read a tensor."""
    for target in output.get_target_inputs():
        yield target.get_node()


def cuts_float(op: Node) -> bool:
    """True for a slice of what is not quantized, with a quantizer behind it."""
    if op.get_type_name() not in CUTTING or not is_float(op.input_value(0)):
        return False
    return any(reader.get_type_name() == "FakeQuantize" for output in op.outputs() for reader in readers(output))


def is_float(output: Output) -> bool:
    """True for a tensor with no quantizer in front, however far."""
    op = output.get_node()
    if op.get_type_name() == "FakeQuantize":
        return False
    return not passes(op) or any(map(is_float, activations(op)))


def is_covered(op: Node) -> bool:
    """True when nothing reads a result of ``op`` in float."""
    if op.get_type_name() == "FakeQuantize":
        return True
    return all(passes(reader) or not is_float(output) for output in op.outputs() for reader in readers(output))


def union(quantizers: list[Node], levels: int) -> tuple[float, float]:
    """The range that holds those of the quantizers; zero falls on a step."""
    ends = [[float(value(op, position)) for op in quantizers] for position in (1, 2, 3, 4)]
    low, high = min(*ends[0], *ends[2]), max(*ends[1], *ends[3])
    if low < 0 < high:
        steps = levels - 1
        zero = round(-low * steps / (high - low))
        if zero in (0, steps):  # the other end is less than half a step away
            return (0.0, high) if zero == 0 else (low, 0.0)
        high = max(high, -low * (steps - zero) / zero)  # move the end that makes the range wider
        low = -high * zero / (steps - zero)
    return low, high


def value(op: Node, position: int) -> Any:
    """The constant at an input of an operator."""
    return op.input_value(position).get_node().get_data().item()


def quantize_sources(ops: list[Node], low: float, high: float, levels: int) -> None:
    """Put a quantizer behind every tensor that comes into a set from outside, for the readers inside."""
    from openvino import opset13

    inside = {op.get_name() for op in ops}
    made: dict[Port, Node] = {}
    for op in ops:
        for index, source in enumerate(activations(op)):
            if source.get_node().get_name() in inside:
                continue
            port = port_of(source)
            if port not in made:
                ends = [opset13.constant(np.float32(end)) for end in (low, high, low, high)]
                made[port] = opset13.fake_quantize(source, *ends, levels)
                made[port].set_friendly_name(f"{source.get_node().get_friendly_name()}/fq_joined_{port[1]}")
            op.input(index).replace_source_output(made[port].output(0))
