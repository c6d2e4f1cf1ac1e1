"""Operators, tensors and versions of an ONNX file, read from the file: ONNX Runtime tells only what it executes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.inside import inside
from ..types.answers import InspectAnswer, Node, Tensor
from .onnx_sound import SMALL

if TYPE_CHECKING:
    from onnx import GraphProto, TensorProto


@dataclass(frozen=True)
class OnnxFile:
    """What an ONNX file holds.

    Attributes:
        nodes: its operators in order, without constants; the types of what they read and write are not told.
        tensors: initializers, constants, inputs, outputs and what lies between; a size of 0 is not known.
        opset: version of ONNX's own operators.
        ir_version: version of the file's format.
    """

    nodes: tuple[Node, ...]
    tensors: tuple[Tensor, ...]
    opset: int
    ir_version: int

    def added_to(self, facts: InspectAnswer) -> InspectAnswer:
        """The agent's account of the file, with the file's own operators and tensors."""
        return facts.model_copy(update={"nodes": self.nodes, "tensors": self.tensors})


def constants_of(graph: GraphProto) -> list[TensorProto]:
    """The tensors that operators of type Constant hold, named as their outputs."""
    found = []
    for node in graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value":
                found.append(type(attribute.t).FromString(attribute.t.SerializeToString()))
                found[-1].name = node.output[0]
    return found


def read_beside(tensor: TensorProto, folder: Path) -> None:
    """Read a small tensor from the file beside the model that holds it, which :mod:`.foreign` has judged.

    The package onnx reads no file that has several names, as those in caches and backups do.
    """
    import onnx
    from onnx.external_data_helper import ExternalDataInfo

    info = ExternalDataInfo(tensor)
    most = math.prod(tensor.dims) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    with inside(folder, info.location, field="the location of external data").open("rb") as stream:
        # onnx' types know only the value that it begins with.
        stream.seek(info.offset or 0)  # type: ignore[redundant-expr]
        tensor.raw_data = stream.read(most)
    tensor.data_location = type(tensor).DEFAULT
    del tensor.external_data[:]


def read_onnx(model_file: Path, shapes: Mapping[str, Sequence[int]] | None = None) -> OnnxFile:
    """Read an ONNX file.

    Args:
        model_file: the file.
        shapes: of the inputs that the file leaves open, by name.
    """
    import onnx
    from onnx.external_data_helper import uses_external_data

    model = onnx.load_model(model_file, load_external_data=False)
    for tensor in model.graph.initializer:  # shapes may lie in external data too; weights stay where they are
        if uses_external_data(tensor) and math.prod(tensor.dims) <= SMALL:
            read_beside(tensor, model_file.parent)
    for given in model.graph.input:
        for dim, size in zip(given.type.tensor_type.shape.dim, (shapes or {}).get(given.name, ()), strict=False):
            dim.dim_value = size
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    graph = model.graph
    tensors = [
        Tensor(
            id=t.name,
            name=t.name,
            shape=tuple(t.dims),
            dtype=onnx.helper.tensor_dtype_to_np_dtype(t.data_type).name,
            constant=True,
            bytes=math.prod(t.dims) * onnx.helper.tensor_dtype_to_np_dtype(t.data_type).itemsize,
        )
        for t in (*graph.initializer, *constants_of(graph))
    ]
    for info in (*graph.value_info, *graph.input, *graph.output):
        kind = info.type.tensor_type
        tensors.append(
            Tensor(
                id=info.name,
                name=info.name,
                shape=tuple(max(d.dim_value, 0) for d in kind.shape.dim) if kind.HasField("shape") else None,
                dtype=onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name,
                constant=False,
                bytes=None,
            )
        )
    nodes = tuple(
        Node(type=n.op_type, name=n.name, inputs=(), outputs=(), reads=tuple(n.input), writes=tuple(n.output))
        for n in graph.node
        if n.op_type != "Constant"
    )
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return OnnxFile(nodes, tuple(tensors), opset, model.ir_version)
