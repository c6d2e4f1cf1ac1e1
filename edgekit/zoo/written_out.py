"""Weights that a file keeps in parts, written out: pruned, normalised, or beside what watched them for int8.

``torch.nn.utils`` replaces a weight by others that it is computed from. Quantization-aware training puts ranges beside
every layer, and keeps a BN inside of the convolution before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

State = dict[str, Tensor]
PARTS = ".parametrizations."
WATCHING = re.compile(r"(^|\.)(activation_post_process|weight_fake_quant|(?:\w+_)?fake_quant)(_\d+)?\.")
"""What PyTorch's observers and fake quantizers are called, in modules and in traced graphs."""
INSIDE = re.compile(r"^(.*\.)?(\d+)\.bn\.(\w+)$")
"""A BN inside of a convolution of quantization-aware training, which was the layer behind it."""


def written_out(state: State) -> State:
    """``state`` with every weight as the network has it in inference. What cannot be told keeps its names."""
    whole = dict(state)
    for key, value in state.items():
        if PARTS in key and value.is_floating_point():
            layer, _, leaf = key.partition(PARTS)
            name, _, last = leaf.partition(".")
            made_from = f"{layer}{PARTS}{name}"
            if last == "original1":
                put(whole, made_from, (".original0", ".original1"), normed, f"{layer}.{name}")
            if last == "0._v":
                put(whole, made_from, (".original", ".0._u", ".0._v"), spectral, f"{layer}.{name}")
        elif key.endswith("_mask"):
            put(whole, key.removesuffix("_mask"), ("_orig", "_mask"), pruned)
        elif key.endswith("_v"):
            put(whole, key.removesuffix("_v"), ("_g", "_v"), normed)
            put(whole, key.removesuffix("_v"), ("_orig", "_u", "_v"), spectral)
    return whole


def put(whole: State, root: str, leaves: tuple[str, ...], made: Callable[..., Tensor | None], name: str = "") -> None:
    """Put one weight in the place of its parts, in place, where all of them are there and fit each other."""
    parts = [whole.get(root + leaf) for leaf in leaves]
    given = [one for one in parts if one is not None]
    value = made(*given) if len(given) == len(leaves) else None
    if value is None:
        return
    for leaf in leaves:
        del whole[root + leaf]
    whole[name or root] = value


def pruned(weight: Tensor, mask: Tensor) -> Tensor | None:
    """Of ``torch.nn.utils.prune``."""
    return weight * mask if weight.shape == mask.shape else None


def normed(length: Tensor, direction: Tensor) -> Tensor | None:
    """Of ``weight_norm``: each channel has a length, or the whole weight has one."""
    if length.ndim not in (0, direction.ndim):
        return None
    if any(own not in (1, whole) for own, whole in zip(length.shape, direction.shape, strict=False)):
        return None
    others = [d for d in range(direction.ndim) if length.ndim == 0 or length.shape[d] == 1]
    exact = direction.double()
    whole: Tensor = exact * (length.double() / torch.linalg.vector_norm(exact, dim=others, keepdim=True))
    return whole.to(direction.dtype)


def spectral(weight: Tensor, left: Tensor, right: Tensor) -> Tensor | None:
    """Of ``spectral_norm``: the weight by its largest singular value, of which the file keeps both vectors."""
    if weight.ndim < 2 or left.shape != weight.shape[:1] or right.numel() != weight[0].numel():
        return None
    exact = weight.double().flatten(1)
    whole: Tensor = weight.double() / torch.dot(left.double(), exact @ right.double())
    return whole.to(weight.dtype)


def unwatched(state: State) -> tuple[State, bool]:
    """``state`` without what watched ranges for int8, its layers as they were before, and whether there was any."""
    plain = {key: value for key, value in state.items() if not WATCHING.search(key)}
    if len(plain) == len(state):
        return state, False
    moved = {}
    for key, value in plain.items():
        found = INSIDE.match(key)
        behind = f"{found[1] or ''}{int(found[2]) + 1}.{found[3]}" if found else key
        moved[key if behind in plain else behind] = value
    return moved, True
