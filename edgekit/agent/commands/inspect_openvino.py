"""The facts about an OpenVINO IR file."""

from __future__ import annotations

from typing import Any, List, Sequence

from ..protocol import Json
from ..runtimes.openvino import OpenVINO
from ..runtimes.tensors import numpy_name


def inspect_openvino(runtime: OpenVINO) -> Json:
    """The operators of an IR file, and those of the CPU plugin's execution graph that ran (others are folded away)."""
    nodes, tensors = [], []
    fed: set[str] = set()
    for op in runtime.network.get_ordered_ops():
        kind = op.get_type_name()
        # Weights of an int8 file are computed from constants: not data that a device moves at every inference.
        if kind == "Parameter" or any(source.get_node().friendly_name in fed for source in op.input_values()):
            fed.add(op.friendly_name)
        for output in op.outputs():
            shape = list(output.shape) if output.partial_shape.is_static else None
            element = output.element_type
            tensors.append(
                {
                    "id": tensor_id(output),
                    "name": op.friendly_name,
                    "shape": shape,
                    "dtype": numpy_name(element.get_type_name()),
                    "constant": kind == "Constant",
                    "depends_on_input": op.friendly_name in fed,
                    "bytes": None if shape is None else (product(shape) * element.bitwidth + 7) // 8,
                }
            )
        if kind not in ("Constant", "Parameter", "Result"):
            nodes.append(
                {
                    "type": kind,
                    "name": op.friendly_name,
                    "inputs": [numpy_name(i.get_element_type().get_type_name()) for i in op.inputs()],
                    "outputs": [numpy_name(o.get_element_type().get_type_name()) for o in op.outputs()],
                    "reads": [tensor_id(source) for source in op.input_values()],
                    "writes": [tensor_id(output) for output in op.outputs()],
                }
            )
    executed = []
    for op in runtime.compiled.get_runtime_model().get_ordered_ops():
        kind = runtime_fact(op, "layerType")
        if runtime_fact(op, "execTimeMcs") != "not_executed":
            sources = [op.input(i).get_source_output() for i in range(op.get_input_size())]
            executed.append(
                {
                    "type": kind,
                    "name": op.friendly_name,
                    "inputs": [output_types(source.get_node())[source.get_index()] for source in sources],
                    "outputs": output_types(op),
                    "kernel": runtime_fact(op, "primitiveType"),
                    "precision": numpy_name(runtime_fact(op, "runtimePrecision")),
                }
            )
    return {"nodes": nodes, "executed": executed, "tensors": tensors, "delegate": None}


def tensor_id(output: Any) -> str:
    """A name that no other tensor of the network has: friendly names need not be unique."""
    return "{}:{}".format(output.get_node().get_name(), output.get_index())


def runtime_fact(op: Any, key: str) -> str:
    """A text from the execution graph's annotations."""
    value = op.get_rt_info()[key]
    return str(value.astype(str) if hasattr(value, "astype") else value)


def output_types(op: Any) -> List[str]:
    """Element types that an executed node really writes; its ports still show those of the original graph.

    A split names the one type of all its outputs once.
    """
    names = [numpy_name(name) for name in runtime_fact(op, "outputPrecisions").split(",")]
    return names * op.get_output_size() if len(names) == 1 else names


def product(shape: Sequence[int]) -> int:
    """Elements of a shape."""
    count = 1
    for dim in shape:
        count *= int(dim)
    return count
