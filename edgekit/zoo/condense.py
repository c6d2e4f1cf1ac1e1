"""From a trained CondenseNet to its condensed form (arXiv:1711.09224, section 4.2 and figure 4), exactly.

Per layer, for every group in turn: the surviving inputs, ascending, become the index; the BN's channels follow it
(an input that several groups use is duplicated); filter ``k G + g`` becomes filter ``g out / G + k``, and the shuffle
after the convolution restores the training order.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .condensenet import CondenseNet
from .learned_group_conv import LearnedGroupConv

TRAIN_FIRST = "train it to the end: the last inputs are dropped halfway through the training"


def condense(network: nn.Module, *, half_classifier: bool = False) -> CondenseNet:
    """The condensed form of a trained CondenseNet, in eval mode, in the same dtype; the network itself is untouched.

    In eval mode both compute the same function, unless ``half_classifier`` keeps only the half of the classifier's
    inputs with the largest L1 norm (the official conversion; not fine-tuned, it costs a little accuracy).

    Raises:
        UsageError: not a CondenseNet in training form, or a group has other than ``in / C`` surviving inputs.
    """
    if not isinstance(network, CondenseNet):
        raise UsageError(f"a {type(network).__name__} cannot be condensed", "only CondenseNets have learned groups")
    if network.form != "training":
        raise UsageError("the network is condensed already")
    source = network.state_dict()
    state: dict[str, Tensor] = {}
    layers = network.learned_groups()
    for name, layer in layers.items():
        state |= {f"{name}.{key}": value for key, value in condensed_layer(name, layer).items()}
    inside = tuple(f"{name}." for name in layers)
    state |= {key: value for key, value in source.items() if not key.startswith(inside)}
    if half_classifier:
        state |= halved_classifier(state.pop("classifier.weight"), state.pop("classifier.bias"))
    config = replace(network.config, half_classifier=half_classifier)
    condensed = CondenseNet(config, "condensed").to(source["classifier.weight"].dtype)
    condensed.load_state_dict(state, strict=True)
    return condensed.eval()


def condensed_layer(name: str, layer: LearnedGroupConv) -> dict[str, Tensor]:
    """The state of the :class:`~.learned_group_conv.CondensedConv` equal to ``layer``.

    Raises:
        UsageError: a group has other than ``in / C`` surviving inputs, or its filters disagree about them.
    """
    groups, inputs = layer.groups, layer.conv.in_channels
    kept = inputs // layer.factor
    survivors = layer.survivors()
    for group in range(groups):
        found = int(survivors[group].sum())
        if found != kept:
            raise UsageError(f"{name}, group {group}: {found} of {inputs} inputs survive, not {kept}", TRAIN_FIRST)
    if not layer.groups_agree():
        raise UsageError(f"{name}: the filters of a group keep different inputs", "the checkpoint's masks are damaged")
    index = torch.cat([survivors[group].nonzero().flatten() for group in range(groups)])
    weight = layer.conv.weight.detach().view(-1, groups, inputs)  # [k, g] is filter k G + g
    grouped = torch.cat([weight[:, group, survivors[group]] for group in range(groups)])
    state = {"index": index, "conv.weight": grouped[:, :, None, None]}
    for key, value in layer.norm.state_dict().items():
        state[f"norm.{key}"] = value[index] if value.ndim else value
    return state


def halved_classifier(weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
    """State of a classifier that reads the half of the features with the largest L1 norm, in ascending order of it."""
    kept = weight.shape[1] // 2
    index = weight.abs().sum(0).argsort()[-kept:]
    linear = {"classifier.linear.weight": weight[:, index], "classifier.linear.bias": bias}
    return {"classifier.index": index, **linear}


def whole_classifier(state: dict[str, Tensor], features: int) -> dict[str, Tensor]:
    """``state`` with its halved classifier written as a whole one: zero weights where it does not read. Exact."""
    rest = {key: value for key, value in state.items() if not key.startswith("classifier.")}
    half = state["classifier.linear.weight"]
    weight = half.new_zeros(half.shape[0], features)
    weight[:, state["classifier.index"]] = half
    return {**rest, "classifier.weight": weight, "classifier.bias": state["classifier.linear.bias"]}
