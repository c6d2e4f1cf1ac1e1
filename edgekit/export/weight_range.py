"""How large int8 weights may be where the CPU multiplies bytes in pairs and keeps their sum in 16 bits.

AVX2 and AVX-512 without VNNI have one instruction for uint8 x int8 (``vpmaddubsw``): it adds two neighbouring products
and saturates above 32767. The usual answer is 7-bit weights for everything. But two weights of one sign may add up to
128 at most (255 x 128 = 32640), so it is enough to scale a channel by its largest *pair*; and depthwise
kernels multiply in 16 bits (ONNX Runtime) or 32 (oneDNN), where nothing saturates.
A channel loses what its own weights ask for, instead of one bit.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

STEPS = 127
"""The largest quantized weight; a pair that adds up to it may round to 128."""

PAIRED = "neighbours of one sign within 128"
"""How a manifest says it."""


def is_depthwise(layer: nn.Conv2d | nn.Linear) -> bool:
    """True for a convolution whose every channel has one filter of its own."""
    return isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels == layer.out_channels > 1


def largest_weight(weight: Tensor, depthwise: bool) -> Tensor:
    """What the quantized weight 127 shall stand for, per output channel.

    Args:
        weight: ``(out, in / groups, ...)``.
        depthwise: of a depthwise convolution, which has no pairs.

    Returns:
        ``(out,)``: the largest absolute weight, or the largest sum of two neighbours of one sign where that is more.
        Neighbours are taken both as NCHW and as NHWC kernels read them.
    """
    flat = weight.detach().flatten(1)
    largest = flat.abs().amax(1)
    if depthwise:
        return largest
    for order in (flat, weight.detach().flatten(2).transpose(1, 2).flatten(1) if weight.dim() > 2 else flat):
        even = functional.pad(order, (0, order.shape[1] % 2))
        for signed in (even, -even):
            largest = largest.maximum(signed.clamp(min=0).reshape(len(even), -1, 2).sum(2).amax(1))
    return largest
