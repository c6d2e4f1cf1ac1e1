"""Which constants of a file are weights: told by the operators that read them, whatever their size."""

from __future__ import annotations

from collections.abc import Sequence

from ..types.answers import Node, Tensor

# Operators of a file whose operands at these positions are multiplied; a bias stands behind them.
WEIGHTED = {
    # ONNX
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul"), (0, 1)),
    # TFLite; a transposed convolution reads its output's shape first
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL"), (0, 1)),
    "TRANSPOSE_CONV": (1, 2),
    # OpenVINO; a bias is an Add of its own
    **dict.fromkeys(("Convolution", "GroupConvolution", "ConvolutionBackpropData"), (0, 1)),
    "GroupConvolutionBackpropData": (0, 1),
}


def weights(nodes: Sequence[Node], tensors: Sequence[Tensor]) -> list[Tensor]:
    """The constants that a convolution or matrix product multiplies its data with.

    A bias, an addend, a scale of channels and a slope are none. Weights that the file converts or reshapes before they
    are multiplied are found through those operators: their data is the first operand.

    Args:
        nodes: the file's operators, in order of execution.
        tensors: its tensors.
    """
    constants = {t.id: t for t in tensors if t.constant}
    stored = {key: key for key in constants}  # id of a tensor that no input changes -> id of the constant it comes from
    found = set()
    for node in nodes:
        reads, writes = node.reads, node.writes
        multiplied = [reads[i] for i in WEIGHTED.get(node.type, ()) if i < len(reads)]
        found |= {stored[key] for key in multiplied if key in stored}
        if reads and all(key in stored for key in reads):
            stored |= dict.fromkeys(writes, stored[reads[0]])
    return [tensor for key, tensor in constants.items() if key in found]
