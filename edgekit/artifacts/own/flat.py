"""Networks that give or take tensors as no program should: the same with tensors by name, and inputs that stay.

Transformers' models give objects of their own classes, detectors dataclasses, some None. A traced program that held
them could be loaded only where the user's code has been run, and edgekit runs that once. A network that changes its
input in place would be converted to one that has two results, of which runtimes know one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from .named import numbered
from .program import made_of
from .script import unscripted


def flattened(network: nn.Module, inputs: tuple[Tensor, ...]) -> nn.Module:
    """The network itself where any program can hold what it does, else one that does the same plainly.

    Raises:
        UsageError: it fails on the inputs, or is TorchScript that PyTorch cannot convert.
    """
    network = unscripted(network, inputs)
    copies = tuple(one.clone() for one in inputs)
    made = made_of(network, copies)
    changes = not all(map(torch.equal, copies, inputs))
    if not changes and not needs_names(made):
        return network
    kind = FlatOne if len(inputs) == 1 else Flat
    return kind(network, copies=changes, named=needs_names(made))


def needs_names(made: Any) -> bool:
    """Whether an output has classes or None in it, or containers in a dict, whose names converters make up themselves.

    Other things that are no tensors stay, and are refused by kind.
    """
    if made is None or dataclasses.is_dataclass(made):
        return True
    if isinstance(made, Mapping):
        nested = any(isinstance(value, list | tuple | Mapping) for value in made.values())
        return type(made) is not dict or nested or any(map(needs_names, made.values()))
    if not isinstance(made, list | tuple):
        return False
    return any(isinstance(value, Mapping) or needs_names(value) for value in made)


def named_tensors(made: Any) -> dict[str, Any]:
    """The parts of an output by name: of keys and fields those, of places in a list ``output``, ``output_1`` ..."""
    found: dict[str, Any] = {}
    for place, (name, leaf) in enumerate(leaves_of(made, "")):
        wishes = chain((name,), (numbered("output", number) for number in count(place)))
        found[next(wish for wish in wishes if wish and wish not in found)] = leaf
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
    """A network of several inputs, of which it may take copies, and whose outputs it may name."""

    def __init__(self, network: nn.Module, *, copies: bool, named: bool) -> None:
        super().__init__()
        self.network, self.copies, self.named = network, copies, named

    def forward(self, *inputs: Tensor) -> Any:
        """What the network gives, or its tensors by name."""
        made = self.network(*(one.clone() for one in inputs) if self.copies else inputs)
        return named_tensors(made) if self.named else made


class FlatOne(Flat):
    """A network of one input, which torch.fx can trace only where it has a name."""

    def forward(self, input: Tensor) -> Any:  # type: ignore[override]  # noqa: A002 - the artifact's name
        """As :class:`Flat`."""
        made = self.network(input.clone() if self.copies else input)
        return named_tensors(made) if self.named else made
