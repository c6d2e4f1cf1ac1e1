"""Keep ONNX Runtime from quantizing what a QDQ model leaves in float.

Where a convolution or Gemm with float weights stands between a DequantizeLinear and a QuantizeLinear, the runtime
quantizes the weights itself when it loads the model, with one scale for all channels: the layer that was to be spared
gets the worst treatment of all. (Its WeightBiasQuantization, ORT 1.20 and later; a Relu or Clip in front of the
QuantizeLinear does not stop it.) A LeakyRelu of slope 1, which is the identity, is not part of that pattern, and the
runtime computes it inside the convolution.

A QuantizeLinear behind a max pooling moves in front of it, where the float kernel is a dozen times as fast as the int8
one. The same LeakyRelu keeps it in its place.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto

GUARDED = {"Conv", "Gemm"}
POOL = "MaxPool"


def guard(model: ModelProto, outputs: Collection[str]) -> list[str]:
    """Put a LeakyRelu behind convolutions in float that read int8 and max pooling in float, in place; what it writes.

    Args:
        model: quantized.
        outputs: what the nodes compute that stay in float.
    """
    import onnx

    added = []
    dequantized = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    for position, node in reversed(list(enumerate(model.graph.node))):
        output = node.output[0]
        readers = [other for other in model.graph.node if output in other.input]
        at_risk = node.op_type == POOL or (node.op_type in GUARDED and node.input[0] in dequantized)
        if output not in outputs or not at_risk or not readers:
            continue
        name = f"{output}_in_float"
        for reader in readers:
            reader.input[:] = [name if given == output else given for given in reader.input]
        identity = onnx.helper.make_node("LeakyRelu", [output], [name], name=f"{node.name}_in_float", alpha=1.0)
        model.graph.node.insert(position + 1, identity)
        added.append(name)
    return added
