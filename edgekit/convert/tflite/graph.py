"""A float TFLite graph under construction, and the file that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNATURE = "serving_default"
INPUT, OUTPUT = "args_0", "output_0"
ALIGNMENT = 16  # of constants, as the schema's force_align asks; kernels read them in place
OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "MUL": "MulOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "CONCATENATION": "ConcatenationOptions",
    "RESHAPE": "ReshapeOptions",
    "TRANSPOSE": "TransposeOptions",
    "SLICE": "SliceOptions",
    "PAD": "PadOptions",
    "GATHER": "GatherOptions",
    "HARD_SWISH": "HardSwishOptions",
    "CAST": "CastOptions",
}
"""The options table of an operator; the others have none."""


@dataclass
class Tensor:
    """A tensor of the graph; ``data`` for a constant."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    data: NDArray[Any] | None = None


@dataclass
class Op:
    """An operator: its name in the schema, tensor indices, and the fields of its options, which the schema names."""

    kind: str
    inputs: tuple[int, ...]
    output: int
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Graph:
    """Tensors and operators in the order of execution, one input, one output."""

    tensors: list[Tensor] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    input: int = 0
    output: int = 0

    def tensor(self, name: str, shape: Sequence[int], dtype: str = "float32") -> int:
        """A new tensor that an operator will compute; its index."""
        self.tensors.append(Tensor(f"{name};{len(self.tensors)}", tuple(int(d) for d in shape), dtype))
        return len(self.tensors) - 1

    def constant(self, name: str, data: NDArray[Any]) -> int:
        """A new constant; its index."""
        index = self.tensor(name, data.shape, data.dtype.name)
        self.tensors[index].data = np.ascontiguousarray(data)
        return index

    def add(self, kind: str, inputs: Sequence[int], output: int, **options: Any) -> int:
        """A new operator; its index."""
        self.ops.append(Op(kind, tuple(inputs), output, options))
        return len(self.ops) - 1

    def to_bytes(self) -> bytes:
        """The flatbuffer."""
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema

        model = schema.ModelT()
        model.version = 3
        model.description = b"edgekit"
        kinds = list(dict.fromkeys(op.kind for op in self.ops))
        model.operatorCodes = [operator_code(kind, schema) for kind in kinds]
        model.buffers = [schema.BufferT()]  # number 0 is the empty one
        graph = schema.SubGraphT()
        graph.name = b"main"
        graph.inputs, graph.outputs = (np.asarray([index], np.int32) for index in (self.input, self.output))
        graph.tensors = [packed_tensor(tensor, model.buffers, schema) for tensor in self.tensors]
        graph.operators = [packed_operator(op, kinds, schema) for op in self.ops]
        model.subgraphs = [graph]
        model.signatureDefs = [signature(self.input, self.output, schema)]
        constants = sum(t.data.nbytes + 2 * ALIGNMENT for t in self.tensors if t.data is not None)
        builder = flatbuffers.Builder(constants + 512 * (len(self.tensors) + len(self.ops)) + 1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def operator_code(kind: str, schema: Any) -> Any:
    """The entry of an operator in the model's table."""
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 1
    return code


def packed_tensor(tensor: Tensor, buffers: list[Any], schema: Any) -> Any:
    """The schema's form of a tensor; a constant gets a buffer of its own."""
    packed = schema.TensorT()
    packed.name = tensor.name.encode()
    packed.shape = np.asarray(tensor.shape, np.int32)
    packed.type = getattr(schema.TensorType, tensor.dtype.upper())
    packed.quantization = schema.QuantizationParametersT()
    packed.hasRank = True
    if tensor.data is not None:
        buffer = schema.BufferT()
        content = tensor.data.tobytes()
        buffer.Pack = lambda builder: packed_buffer(content, builder, schema)
        packed.buffer = len(buffers)
        buffers.append(buffer)
    return packed


def packed_buffer(content: bytes, builder: Any, schema: Any) -> int:
    """Write a constant, aligned; the schema's own code ignores its alignment."""
    builder.StartVector(1, len(content), ALIGNMENT)
    builder.head -= len(content)
    builder.Bytes[builder.head : builder.head + len(content)] = content
    data = builder.EndVector()
    schema.BufferStart(builder)
    schema.BufferAddData(builder, data)
    return int(schema.BufferEnd(builder))


def packed_operator(op: Op, kinds: list[str], schema: Any) -> Any:
    """The schema's form of an operator."""
    packed = schema.OperatorT()
    packed.opcodeIndex = kinds.index(op.kind)
    packed.inputs = np.asarray(op.inputs, np.int32)
    packed.outputs = np.asarray([op.output], np.int32)
    table = OPTIONS.get(op.kind)
    if table is not None:
        options = getattr(schema, f"{table}T")()
        for name, value in op.options.items():
            setattr(options, name, value)
        packed.builtinOptionsType = getattr(schema.BuiltinOptions, table)
        packed.builtinOptions = options
    return packed


def signature(given: int, made: int, schema: Any) -> Any:
    """The one signature, with the names that litert-torch gives."""
    entry = schema.SignatureDefT()
    entry.signatureKey = SIGNATURE.encode()
    entry.subgraphIndex = 0
    ends = []
    for name, index in ((INPUT, given), (OUTPUT, made)):
        end = schema.TensorMapT()
        end.name = name.encode()
        end.tensorIndex = index
        ends.append([end])
    entry.inputs, entry.outputs = ends
    return entry
