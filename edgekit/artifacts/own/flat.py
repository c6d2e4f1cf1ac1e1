"""Networks whose outputs stand in dataclasses, nested containers or beside None: the same with tensors by name.

Transformers' models give such things, and detectors do. A traced program that held their classes could be loaded only
where the user's code has been run, and edgekit runs that once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.utils import _pytree as pytree


def flattened(network: nn.Module, made: Any, inputs: int) -> nn.Module:
    """The network itself where any program can hold what it gives, else one that gives its tensors by name.

    Args:
        network: of any kind.
        made: what it gave.
        inputs: how many it takes.
    """
    if not needs_names(made):
        return network
    return FlatOne(network) if inputs == 1 else Flat(network)


def needs_names(made: Any) -> bool:
    """Whether an output has classes or None in it. Other things that are no tensors stay, and are refused by kind."""
    if made is None or dataclasses.is_dataclass(made):
        return True
    if isinstance(made, Mapping):
        return type(made) is not dict or any(map(needs_names, made.values()))
    return isinstance(made, list | tuple) and any(map(needs_names, made))


def named_tensors(made: Any) -> dict[str, Any]:
    """The parts of an output by name: of keys and fields those, of places in a list ``output``, ``output_1`` ..."""
    found: dict[str, Any] = {}
    for place, (name, leaf) in enumerate(leaves_of(made, "")):
        fallback = "output" if place == 0 else f"output_{place}"
        found[name if name and name not in found else fallback] = leaf
    return found


def leaves_of(made: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every part that is no container, with the key or field that it stands under; no None."""
    if made is None:
        return
    if isinstance(made, Tensor):
        yield name, made
    elif dataclasses.is_dataclass(made) and not isinstance(made, Mapping):
        for field in dataclasses.fields(made):
            yield from leaves_of(getattr(made, field.name), field.name)
    elif isinstance(made, Mapping):
        for key, value in made.items():
            yield from leaves_of(value, str(key))
    elif isinstance(made, list | tuple):
        for value in made:
            yield from leaves_of(value, name)
    else:
        for leaf in pytree.tree_leaves(made):
            yield name, leaf


class Flat(nn.Module):
    """A network of several inputs that gives its tensors by name."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> dict[str, Any]:
        """The tensors."""
        return named_tensors(self.network(*inputs))


class FlatOne(Flat):
    """A network of one input, which torch.fx can trace only where it has a name."""

    def forward(self, input: Tensor) -> dict[str, Any]:  # type: ignore[override]  # noqa: A002 - the artifact's name
        """The tensors."""
        return named_tensors(self.network(input))
