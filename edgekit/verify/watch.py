"""Look at the output of every layer while a network runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

Look = Callable[[str, nn.Module, Any], None]
"""Takes the path of a layer, the layer, and its output."""


@contextmanager
def watched(network: nn.Module, look: Look) -> Iterator[None]:
    """A block in which the network runs without gradients; ``look`` gets each output of a layer without parts."""

    def hook_of(name: str) -> Any:
        return lambda module, _inputs, output: look(name, module, output)

    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            if name and not any(module.children()):
                hooks.enter_context(module.register_forward_hook(hook_of(name)))
        yield
