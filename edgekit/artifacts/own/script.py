"""TorchScript: a network that ``torch.jit`` compiled or traced, perhaps loaded from its file, as a plain module."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from .source import described


def unscripted(network: nn.Module, inputs: tuple[torch.Tensor, ...]) -> nn.Module:
    """The network itself, or what its TorchScript computes on inputs of these shapes.

    Raises:
        UsageError: PyTorch cannot convert it.
    """
    if not isinstance(network, torch.jit.ScriptModule):
        return network
    # Private, but what torch.export itself names for a network of this kind.
    from torch._export.converter import TS2EPConverter

    convert: Any = TS2EPConverter
    try:
        with torch.no_grad():
            made: nn.Module = convert(network, tuple(one.clone() for one in inputs), {}).convert().module()
    except Exception as error:  # the converter raises anything
        raise UsageError(
            f"the network is TorchScript, and PyTorch cannot convert it: {described(error)}",
            "build it from its Python code and load its weights",
        ) from error
    return made
