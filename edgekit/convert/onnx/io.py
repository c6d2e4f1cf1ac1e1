"""Give a QDQ model an int8 or uint8 input and output: drop the outer QuantizeLinear / DequantizeLinear."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ToolError
from ...types import QuantParams
from ..job import affine_range

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto


PIXELS = QuantParams(scale=1.0, zero_point=0)
"""Quantization of plain uint8 pixels, as a baked artifact takes them."""


def set_input_type(model: ModelProto, dtype: str, pixels: bool) -> QuantParams | None:
    """Make the input ``dtype`` in place; its quantization, or None for float32.

    The input's QuantizeLinear goes; the DequantizeLinear behind it reads the stored integers. Where the network's own
    activations have the other signedness, a DequantizeLinear is put in front instead: ONNX Runtime executes a
    convolution in float when its input and output differ in type. With ``pixels`` the scale is exactly 1, whatever
    range calibration saw.

    Raises:
        ToolError: the input is not quantized.
    """
    if dtype == "float32":
        return None
    graph_input = model.graph.input[0]
    quantize = only(model, "QuantizeLinear", lambda n: n.input[0] == graph_input.name, "input")
    same_type = stored_type(model, quantize) == dtype
    params = PIXELS if pixels else retyped(model, quantize, dtype)
    names = add_params(model, params, dtype, graph_input.name)
    if same_type:
        for node in [n for n in model.graph.node if quantize.output[0] in n.input]:
            node.input[0], node.input[1], node.input[2] = graph_input.name, *names
        model.graph.node.remove(quantize)
    else:
        quantize.input[0] = f"{graph_input.name}_real"
        model.graph.node.insert(0, node_of("DequantizeLinear", graph_input.name, names, quantize.input[0]))
    graph_input.type.tensor_type.elem_type = element_type(dtype)
    return params


def set_output_type(model: ModelProto, dtype: str, scores: Callable[[], tuple[float, float]]) -> QuantParams | None:
    """Make the output ``dtype`` in place; its quantization, or None for float32.

    Where the network ends in operators that stay in float (a global pooling), the range that ``scores`` gives counts.
    """
    if dtype == "float32":
        return None
    output = model.graph.output[0]
    last = next(node for node in model.graph.node if output.name in node.output)
    quantized = last.op_type == "DequantizeLinear"
    params = retyped(model, last, dtype) if quantized else affine_range(*scores(), dtype)
    names = add_params(model, params, dtype, output.name)
    if quantized and stored_type(model, last) == dtype:
        quantize = only(model, "QuantizeLinear", lambda n: n.output[0] == last.input[0], "output")
        quantize.input[1], quantize.input[2] = names
        quantize.output[0] = output.name
        model.graph.node.remove(last)
    else:
        last.output[list(last.output).index(output.name)] = f"{output.name}_real"
        model.graph.node.append(node_of("QuantizeLinear", f"{output.name}_real", names, output.name))
    output.type.tensor_type.elem_type = element_type(dtype)
    return params


def only(model: ModelProto, op: str, match: Callable[[NodeProto], bool], where: str) -> NodeProto:
    """The one node of type ``op`` that matches."""
    found: list[NodeProto] = [n for n in model.graph.node if n.op_type == op and match(n)]
    if len(found) != 1:
        raise ToolError(
            f"the {where} has {len(found)} {op} nodes, so it cannot be made integer", "export with --io float32"
        )
    return found[0]


def node_of(op: str, source: str, params: tuple[str, str], target: str) -> NodeProto:
    """A QuantizeLinear or DequantizeLinear between two tensors."""
    import onnx

    return onnx.helper.make_node(op, [source, *params], [target], name=f"{source}_to_{target}")


def stored_type(model: ModelProto, node: NodeProto) -> str:
    """Type of the integers that a Q node writes or a DQ node reads."""
    from onnx import numpy_helper

    return str(numpy_helper.to_array(initializer(model, node.input[2])).dtype)


def retyped(model: ModelProto, node: NodeProto, dtype: str) -> QuantParams:
    """The scale and zero point of a Q or DQ node, the latter moved to mean the same in ``dtype``."""
    from onnx import numpy_helper

    scale = numpy_helper.to_array(initializer(model, node.input[1]))
    old = numpy_helper.to_array(initializer(model, node.input[2]))
    shift = int(np.iinfo(dtype).min) - int(np.iinfo(old.dtype).min)
    return QuantParams(scale=float(scale), zero_point=int(old) + shift)


def add_params(model: ModelProto, params: QuantParams, dtype: str, prefix: str) -> tuple[str, str]:
    """Constants for a scale and a zero point of type ``dtype``; their names."""
    from onnx import numpy_helper

    scale_name, zero_name = f"{prefix}_scale_{dtype}", f"{prefix}_zero_point_{dtype}"
    model.graph.initializer.append(numpy_helper.from_array(np.array(params.scale, np.float32), scale_name))
    model.graph.initializer.append(numpy_helper.from_array(np.array(params.zero_point, dtype), zero_name))
    return scale_name, zero_name


def initializer(model: ModelProto, name: str) -> TensorProto:
    """The constant of that name."""
    tensor: TensorProto = next(t for t in model.graph.initializer if t.name == name)
    return tensor


def element_type(dtype: str) -> int:
    """ONNX's number for a NumPy type name."""
    import onnx

    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
