"""Give an int8 TFLite model uint8 ends: one QUANTIZE operator that moves the zero point by 128."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .edit import edited

SHIFT = 128


def widen_to_uint8(model: bytes, at_input: bool, at_output: bool) -> bytes:
    """The same model with its int8 input and/or output replaced by a uint8 tensor of the same real values."""
    if not (at_input or at_output):
        return model

    def widen(tree: Any, schema: Any) -> None:
        graph = tree.subgraphs[0]
        opcode = quantize_opcode(tree, schema)
        if at_input:
            outer = unsigned_copy(graph, int(graph.inputs[0]), schema)
            graph.operators.insert(0, quantize_op(schema, opcode, outer, int(graph.inputs[0])))
            rename(tree, graph, "inputs", outer)
        if at_output:
            outer = unsigned_copy(graph, int(graph.outputs[0]), schema)
            graph.operators.append(quantize_op(schema, opcode, int(graph.outputs[0]), outer))
            rename(tree, graph, "outputs", outer)

    return edited(model, widen)


def quantize_opcode(tree: Any, schema: Any) -> int:
    """Index of QUANTIZE in the model's operator codes, added when absent."""
    for index, code in enumerate(tree.operatorCodes):
        if code.builtinCode == schema.BuiltinOperator.QUANTIZE:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = 2
    tree.operatorCodes.append(code)
    return len(tree.operatorCodes) - 1


def unsigned_copy(graph: Any, index: int, schema: Any) -> int:
    """A uint8 twin of an int8 tensor (same scale, zero point + 128); its index."""
    inner = graph.tensors[index]
    outer = copy.deepcopy(inner)
    outer.type = schema.TensorType.UINT8
    outer.buffer = 0
    outer.quantization.zeroPoint = np.asarray(inner.quantization.zeroPoint, np.int64) + SHIFT
    inner.name = inner.name + b"_int8"
    graph.tensors.append(outer)
    return len(graph.tensors) - 1


def quantize_op(schema: Any, opcode: int, source: int, target: int) -> Any:
    """A QUANTIZE operator from one tensor to another."""
    operator = schema.OperatorT()
    operator.opcodeIndex = opcode
    operator.inputs = np.asarray([source], np.int32)
    operator.outputs = np.asarray([target], np.int32)
    operator.builtinOptionsType = schema.BuiltinOptions.QuantizeOptions
    operator.builtinOptions = schema.QuantizeOptionsT()
    return operator


def rename(tree: Any, graph: Any, end: str, index: int) -> None:
    """Make ``index`` the graph's input or output, in the signatures too."""
    setattr(graph, end, np.asarray([index], np.int32))
    for signature in tree.signatureDefs or []:
        getattr(signature, end)[0].tensorIndex = index
