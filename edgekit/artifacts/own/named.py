"""Inputs by the names of ``forward``'s parameters: some of them, keyword-only ones too, in any order."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

import torch
from torch import nn

from ...errors import UsageError


def parameters_of(network: nn.Module) -> list[inspect.Parameter]:
    """Those of ``forward``; none where it does not tell, as TorchScript."""
    try:
        return list(inspect.signature(network.forward).parameters.values())
    except (TypeError, ValueError):
        return []


def input_names(network: nn.Module, count: int) -> tuple[str, ...]:
    """Names of the first inputs of ``forward``; ``input``, ``input_1`` ... where it takes any number."""
    plain = [one.name for one in parameters_of(network) if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if len(plain) >= count:
        return tuple(plain[:count])
    return tuple(numbered("input", place) for place in range(count))


def numbered(word: str, place: int) -> str:
    """``word`` for the first place, ``word_1`` for the second ..."""
    return word if place == 0 else f"{word}_{place}"


def taking(network: nn.Module, names: Collection[str], who: str) -> tuple[nn.Module, tuple[str, ...]]:
    """A network that takes these inputs by their places, and their order: that of ``forward``.

    The network itself, where they are its first parameters.

    Args:
        network: a user's.
        names: of inputs.
        who: what names them, for the error.

    Raises:
        UsageError: ``forward`` has no such parameter.
    """
    parameters = parameters_of(network)
    plain = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    first = tuple(plain[: len(names)])
    if set(first) == set(names):
        return network, first
    takes = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    missing = [one.name for one in parameters if one.name in takes and one.default is one.empty]
    missing = [name for name in missing if name not in names]
    if missing or not set(names) <= set(takes):
        raise UsageError(
            f"{who} names {', '.join(names)}, and forward() takes {', '.join(takes) or 'nothing by name'}",
            f"name {' and '.join(missing)} too" if missing else "name these",
        )
    chosen = tuple(name for name in takes if name in names)
    return Named(network, chosen), chosen


class Named(nn.Module):
    """A network that is called by the names of its inputs, but for the first ones.

    Args:
        network: a user's.
        names: of the inputs.
        places: how many are given by their places.
    """

    def __init__(self, network: nn.Module, names: tuple[str, ...], places: int = 0) -> None:
        super().__init__()
        self.network, self.names, self.places = network, names, places

    def forward(self, *inputs: torch.Tensor) -> Any:
        """What the network gives."""
        named = dict(zip(self.names[self.places :], inputs[self.places :], strict=True))
        return self.network(*inputs[: self.places], **named)
