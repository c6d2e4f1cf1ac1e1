"""Let a 3x3 group convolution with few outputs compute several neighbouring pixels at once, as outputs of its own.

    p pixels of a row, each from a 3x3 window = p times the outputs from one 3 x (p + 2) window, every p pixels

Vector units compute 16 outputs at a time; groups with 2, 4 or 8 outputs leave most of them idle. ONNX Runtime's blocked
kernels moreover take only groups whose inputs and outputs fill whole blocks. The taps outside a pixel's window are
zero, so it is the same function, for (p + 2) / 3p of the padded work. A group whose inputs do not fill a block is made
dense first. TFLite's kernels take groups of any width; there each channel's pixels lie side by side in the result, of
which one transpose makes rows. Precondition: stride, dilation, padding 1, padding with zeros, a width that p divides.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from ._pass import modules_of, rewrite
from .densify_group_conv import dense, group_convs

BLOCK = 16  # channels in a vector of AVX-512, and two of AVX2
HALF_BLOCK = 8  # in one of AVX2, which is ONNX Runtime's block there: groups of eight inputs need not be made dense


class PackedConv(nn.Module):
    """``(N, C, H, W)`` to ``(N, O, H, W)``: ``pixels`` neighbours at once, then put side by side again."""

    kind = "conv"

    def __init__(self, conv: nn.Conv2d, pixels: int) -> None:
        super().__init__()
        self.groups, self.pixels = conv.groups, pixels
        self.rows = conv.out_channels // conv.groups
        self.conv = nn.Conv2d(
            conv.in_channels,
            conv.out_channels * pixels,
            (3, pixels + 2),
            (1, pixels),
            (1, 1),
            groups=conv.groups,
            bias=conv.bias is not None,
            dtype=conv.weight.dtype,
        )
        columns = conv.in_channels // conv.groups
        wide = torch.zeros(self.groups, pixels, self.rows, columns, 3, pixels + 2, dtype=conv.weight.dtype)
        for pixel in range(pixels):
            wide[:, pixel, :, :, :, pixel : pixel + 3] = conv.weight.detach().reshape(
                self.groups, self.rows, columns, 3, 3
            )
        with torch.no_grad():
            self.conv.weight.copy_(self.arranged(wide).flatten(0, 2))
            if self.conv.bias is not None and conv.bias is not None:
                spread = conv.bias.reshape(self.groups, 1, self.rows).expand(-1, pixels, -1)
                self.conv.bias.copy_(self.arranged(spread).reshape(-1))

    def arranged(self, outputs: Tensor) -> Tensor:
        """``(groups, pixels, rows, …)`` in the order in which the convolution shall compute it."""
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, then interleave the pixels; no tensor has more than four dimensions."""
        packed: Tensor = self.conv(x)
        batch, _, height, width = packed.shape
        apart = packed.reshape(batch * self.groups, self.pixels, self.rows * height, width)
        return apart.permute(0, 2, 3, 1).reshape(batch, self.groups * self.rows, height, width * self.pixels)


class PackedRows(PackedConv):
    """The same with the pixels of a channel as neighbouring outputs; on NHWC data one transpose makes NCHW of them."""

    def arranged(self, outputs: Tensor) -> Tensor:
        """``(groups, rows, pixels, …)``."""
        return outputs.transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, then put each channel's pixels into a row; no tensor has more than four dimensions."""
        packed: Tensor = self.conv(x)
        batch, _, height, width = packed.shape
        channels = self.groups * self.rows
        last = packed.permute(0, 2, 3, 1).reshape(batch * height * width, channels, self.pixels)
        return last.permute(1, 0, 2).reshape(channels, batch, height, width * self.pixels).transpose(0, 1)


class PackedColumns(PackedConv):
    """The same for a dense convolution whose result is stored as NHWC: there its pixels lie side by side."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, then read each pixel's channels as a pixel of its own; no tensor has more than four dimensions."""
        packed: Tensor = self.conv(x)
        batch, _, height, width = packed.shape
        return packed.permute(0, 2, 3, 1).reshape(batch, height, width * self.pixels, self.rows).permute(0, 3, 1, 2)


@rewrite
def pack_pixels(graph_module: fx.GraphModule) -> int:
    """Rewrite in place, on a graph with propagated shapes; returns how many."""
    return pack(graph_module, PackedConv, BLOCK, whole_blocks=True)


@rewrite
def pack_pixels_by_eight(graph_module: fx.GraphModule) -> int:
    """The same for blocks of eight channels; returns how many."""
    return pack(graph_module, PackedConv, HALF_BLOCK, whole_blocks=True)


@rewrite
def pack_pixels_in_rows(graph_module: fx.GraphModule) -> int:
    """The same for TFLite, where the result is read as NCHW (``gather_rows``); returns how many."""
    return pack(graph_module, PackedRows, BLOCK, whole_blocks=False)


@rewrite
def pack_dense_pixels(graph_module: fx.GraphModule) -> int:
    """The same for dense convolutions, for ONNX Runtime in int8, whose kernels want NHWC; returns how many."""
    return pack(graph_module, PackedColumns, BLOCK, whole_blocks=False)


def pack(graph_module: fx.GraphModule, packed: type[PackedConv], block: int, whole_blocks: bool) -> int:
    """Rewrite in place; ``whole_blocks``: the kernels need groups whose inputs fill blocks of ``block`` channels."""
    changed = 0
    for node, conv in dense_convs(graph_module) if packed is PackedColumns else group_convs(graph_module):
        shape = list(getattr(node.meta.get("tensor_meta"), "shape", ()))
        if conv.kernel_size != (3, 3) or conv.stride != (1, 1) or conv.padding != (1, 1) or conv.dilation != (1, 1):
            continue
        if conv.padding_mode != "zeros" or len(shape) != 4:
            continue
        whole = dense(conv) if whole_blocks and conv.in_channels // conv.groups % block else conv
        pixels, idle = divmod(block, whole.out_channels // whole.groups)
        if idle or pixels < 2 or shape[3] % pixels or (whole_blocks and whole.in_channels // whole.groups % block):
            continue
        name = f"{node.target}_packed".replace(".", "_")
        graph_module.add_submodule(name, packed(whole, pixels).eval())
        node.target = name
        changed += 1
    return changed


def dense_convs(graph_module: fx.GraphModule) -> list[tuple[fx.Node, nn.Conv2d]]:
    """Calls of convolutions without groups."""
    modules = modules_of(graph_module)
    calls = [(node, modules[str(node.target)]) for node in graph_module.graph.nodes if node.op == "call_module"]
    return [(node, layer) for node, layer in calls if isinstance(layer, nn.Conv2d) and layer.groups == 1]
