"""Keras' layers to the network's: each kind of layer in the order of execution.

Keras names layers as it likes, and some of its files only count them. The zoo's networks have the layers of Keras
Applications in the same order, and no tensor of one kind fits where another kind stands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from torch import Tensor, nn

from .conventions import KERAS_ROOT
from .heads import as_shaped
from .layout_names import layers_of

State = dict[str, Tensor]


def paired_by_kind(network: nn.Module, state: State) -> State:
    """A Keras file's ``state`` under ``network``'s names; layers that are too many keep theirs."""
    foreign = layers_of(state)
    queues = {
        kind: deque(name for name in foreign if name.startswith(f"{KERAS_ROOT}{kind}."))
        for kind in ("conv", "depthwise", "norm", "dense")
    }
    own, known = dict(kinds(network)), network.state_dict()
    # A head may be a 1x1 convolution in Keras; its dense layers come last.
    spare = list(own.values()).count("dense") - len(queues["dense"])
    result: State = {}
    taken = set()
    for prefix, kind in own.items():
        convolved = kind == "dense" and spare > 0
        spare -= convolved
        queue = queues["conv" if convolved else kind]
        if not queue:
            continue
        name = queue.popleft()
        taken.add(name)
        for leaf, value in foreign[name].items():
            key = f"{prefix}.{leaf}"
            result[key] = as_shaped(value, known[key]) if key in known else value
    return result | {f"{name}.{leaf}": v for name, ls in foreign.items() if name not in taken for leaf, v in ls.items()}


def kinds(network: nn.Module) -> Iterator[tuple[str, str]]:
    """Name and kind of each layer with weights, in the order of execution."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            yield name, "depthwise" if 1 < module.groups == module.in_channels else "conv"
        elif isinstance(module, nn.BatchNorm2d):
            yield name, "norm"
        elif isinstance(module, nn.Linear):
            yield name, "dense"
