"""How large int8 weights may be where the CPU multiplies bytes in pairs and keeps their sum in 16 bits.

AVX2 and AVX-512 without VNNI have one instruction for uint8 x int8 (``vpmaddubsw``): it adds two neighbouring products
and saturates above 32767. The usual answer is 7-bit weights for everything. But two weights of one sign may add up to
128 at most (255 x 128 = 32640), so it is enough to scale a channel by its largest *pair*; and depthwise
kernels multiply in 16 bits (ONNX Runtime) or 32 (oneDNN), where nothing saturates.
A channel loses what its own weights ask for, instead of one bit.
"""

from __future__ import annotations

from torch import Size, Tensor, nn
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


def largest_pair(weight: Tensor) -> Tensor:
    """As :func:`largest_weight`; with an odd number of input channels (a network's first layer) of any two weights.

    oneDNN pads such channels, or rows of the kernel, in ways that differ from kernel to kernel, so that any two weights
    can become neighbours.
    """
    largest = largest_weight(weight, depthwise=False)
    if pairs_any_two(weight.shape):
        flat = weight.detach().flatten(1)
        for signed in (flat, -flat):
            largest = largest.maximum(signed.clamp(min=0).topk(2, 1).values.sum(1))
    return largest


def pairs_any_two(shape: Size) -> bool:
    """True for the weights of a convolution whose channels do not come in pairs."""
    return len(shape) > 2 and shape[1] % 2 == 1 and shape[1:].numel() > 1
