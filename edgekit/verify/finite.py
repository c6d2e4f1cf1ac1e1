"""Where a network holds or computes values that are not finite."""

from __future__ import annotations

from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .watch import watched

BATCH = 16


def check_weights(network: nn.Module) -> None:
    """Make sure that every parameter and buffer is finite.

    Raises:
        UsageError: one is not; the message names the first and counts its values.
    """
    for kind, tensors in (("parameter", network.named_parameters()), ("buffer", network.named_buffers())):
        for name, tensor in tensors:
            bad = int((~torch.isfinite(tensor)).sum())
            if bad:
                raise UsageError(
                    f"{kind} {name} holds {bad} of {tensor.numel()} values that are not finite",
                    "the checkpoint is broken; train or download it again",
                )


def finite_outputs(network: nn.Module, images: Tensor, what: str) -> Tensor:
    """The network's outputs on images, ``(N, C, H, W)``, in batches; every layer's output is looked at.

    Args:
        network: in eval mode.
        images: float32, normalised.
        what: the word for the images, for the message.

    Raises:
        UsageError: a layer's output is not finite; the message names the first such layer and the image.
    """
    start = 0

    def look(name: str, module: nn.Module, output: Any) -> None:
        # The terms of a finite sum are finite. A sum that is not finite may have overflowed, so look at each term.
        if not isinstance(output, Tensor) or isfinite(output.sum()) or bool(torch.isfinite(output).all()):
            return
        bad = (~torch.isfinite(output)).flatten(1).any(1).nonzero()[0].item()
        raise UsageError(
            f"the output of layer {name} ({type(module).__name__}) is not finite for {what} image "
            f"{start + int(bad) + 1} of {len(images)}",
            "the float network itself overflows there: check the checkpoint and the card's mean and std",
        )

    outputs = []
    with watched(network, look):
        for batch in torch.split(images, BATCH):
            outputs.append(network(batch))
            look("(the network's own output)", network, outputs[-1])
            start += len(batch)
    return torch.cat(outputs)
