"""Networks that have shapes and no values, on PyTorch's ``meta`` device: what is known of them costs no arithmetic.

PyTorch knows the shapes of convolutions at once. Those of random numbers, normalizations and activations it finds by
running each as a program of smaller operators in Python, thousands of times a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

DRAWN = frozenset(
    (Tensor.normal_, Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_, nn.init.constant_)
)
"""Functions that fill their first argument, ``tensor``, with values."""
ACTIVATIONS = frozenset(
    (functional.relu, functional.relu6, functional.hardswish, functional.hardsigmoid, functional.hardtanh)
)


class ShapesAtOnce(TorchFunctionMode):
    """A block in which a tensor without values is not filled, and batch normalization gives what it is given.

    Tensors on other devices, and batch normalization that is being trained, are as they are without it.
    """

    def __init__(self, activations: bool = False) -> None:
        """With ``activations``, these give what they are given too: not for those who count them as operators."""
        super().__init__()
        self._unchanged = ACTIVATIONS if activations else frozenset()

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """The function's result, of the right shape."""
        named = kwargs or {}
        known = func in DRAWN or func in self._unchanged
        if known or (func is functional.batch_norm and not named.get("training")):
            first: Tensor = args[0] if args else named["tensor"]
            if first.is_meta:
                return first
        return func(*args, **named)


@contextmanager
def shapes_only() -> Iterator[None]:
    """A block in which networks are built on the ``meta`` device."""
    with torch.device("meta"), ShapesAtOnce():
        yield
