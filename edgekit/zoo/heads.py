"""The layer that gives the class scores: its name, an exchanged one's, the class count, and what is wrong with it."""

from __future__ import annotations

import re

from torch import Tensor, nn

State = dict[str, Tensor]
PIXELS = re.compile(r"(^|[._])(pixel_)?(mean|std)$")
"""What the mean and the standard deviation of images are called where a network holds them."""


def last_layer(network: nn.Module) -> str:
    """The name of the head: in every family the linear layer or convolution that comes last."""
    found = ""
    for name, layer in network.named_modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            found = name
    return found


def as_shaped(given: Tensor, own: Tensor) -> Tensor:
    """``given`` in the shape of ``own`` where only sizes of 1 differ: a linear layer may be a 1x1 convolution."""
    same = [n for n in given.shape if n != 1] == [n for n in own.shape if n != 1]
    return given.reshape(own.shape) if same and given.numel() == own.numel() else given


def with_head(network: nn.Module, state: State) -> State:
    """``state`` with a head that was made anew under the name of the network's own.

    It is the one layer that the network does not have and that reads as many features as its head. Such a head without
    bias gets zeros; one written as a 1x1 convolution becomes linear. The reverse is another network, where the
    convolution is followed by an activation (SqueezeNet).
    """
    head = last_layer(network)
    own = network.state_dict()
    state = without_module(state, own)
    weight = own[f"{head}.weight"]
    bias = f"{head}.bias"
    if f"{head}.weight" not in state:
        found = [prefix for prefix in new_layers(state, own) if reads(state[f"{prefix}.weight"], weight)]
        if len(found) == 1:
            leaves = {f"{found[0]}.{leaf}": f"{head}.{leaf}" for leaf in ("weight", "bias")}
            state = {leaves.get(key, key): value for key, value in state.items()}
            if bias in own and bias not in state:
                state[bias] = own[bias].new_zeros(len(state[f"{head}.weight"]))
    given = state.get(f"{head}.weight")
    if given is None or not reads(given, weight):
        return state
    return state | {f"{head}.weight": given.flatten(1)} if weight.ndim == 2 else state


def without_module(state: State, own: State) -> State:
    """``state`` with layers that a head module holds under the network's own names where it looks for them."""
    names = {key: key.partition(".")[2] for key in state if key not in own}
    moved = {key: name for key, name in names.items() if name in own and name not in state}
    return {moved.get(key, key): value for key, value in state.items()} if moved else state


def new_layers(state: State, own: State) -> list[str]:
    """Layers of ``state`` that are not among ``own``."""
    names = {key.rpartition(".")[0] for key in own}
    weights = [key.removesuffix(".weight") for key in state if key.endswith(".weight")]
    return [prefix for prefix in weights if prefix not in names]


def reads(given: Tensor, own: Tensor) -> bool:
    """True when a layer with the weight ``given`` reads what the head ``own`` reads."""
    features = own.shape[1]
    linear = given.ndim == 2 or (given.ndim == 4 and tuple(given.shape[2:]) == (1, 1))
    return (linear if own.ndim == 2 else given.ndim == own.ndim) and given.shape[1] == features


def cause(network: nn.Module, own: State, given: State) -> str:
    """What is the likeliest reason that a checkpoint does not fit, and what to do."""
    head = last_layer(network)
    missing = {key for key in own if key not in given}
    unexpected = {key for key in given if key not in own}
    shapes = {key for key in own if key in given and own[key].shape != given[key].shape}
    learned = {key for key in own if not key.endswith("num_batches_tracked")}
    if any(".parametrizations." in key for key in unexpected):
        return "some weights are parametrized: torch.nn.utils.parametrize.remove_parametrizations before saving them"
    if folded(own, given):
        return "its BN layers are folded into the convolutions: give the checkpoint from before that, as trained"
    if len(missing) * 2 > len(learned):
        return "it is a checkpoint of another network: check the model id (edgekit models list)"
    if unexpected and not missing:
        return cause_of_more(head, unexpected, shapes)
    if missing and not shapes:
        return cause_of_less(head, own, missing, unexpected)
    if shapes and not missing:
        return cause_of_shapes(head, own, given, shapes)
    return OTHERWISE


OTHERWISE = "it is another variant of this family, or was changed: check the model id (edgekit models list)"


def cause_of_less(head: str, own: State, missing: set[str], unexpected: set[str]) -> str:
    """Of a checkpoint that lacks tensors."""
    if missing == {f"{head}.bias"} and not unexpected:
        return f"its head has no bias: if it was trained so, add a {head}.bias of zeros to the file"
    if not missing <= {f"{head}.weight", f"{head}.bias"}:
        return OTHERWISE
    if not unexpected:
        return f"the file has no head ({head}): save the whole network, or train one (edgekit train --weights FILE)"
    return (
        f"its head is built otherwise than the network's own layer {head}, which reads "
        f"{own[f'{head}.weight'].shape[1]} features: a head of several layers or other features is another network"
    )


def cause_of_more(head: str, unexpected: set[str], shapes: set[str]) -> str:
    """Of a checkpoint that has all of the network's tensors, and others."""
    if all(PIXELS.search(key) for key in unexpected):
        return (
            f"the network normalises its images itself ({min(unexpected)}): leave these tensors out of the file, and "
            "say the same with --mean and --std"
        )
    if all(key.startswith(f"{head}.") for key in unexpected):
        return (
            f"its head, in the place of {head}, has several layers, which is another network: give its code (net.py) "
            "with --weights"
        )
    return OTHERWISE if shapes else "all of the network is there, and more: save the network's own state_dict() alone"


def cause_of_shapes(head: str, own: State, given: State, shapes: set[str]) -> str:
    """Of a checkpoint that has the network's tensors in other shapes."""
    first = next(key for key, value in own.items() if value.ndim == 4)  # which reads the image
    if shapes == {first} and given[first].ndim == own[first].ndim and len(given[first]) == len(own[first]):
        channels = given[first].shape[1]
        if channels == 1:
            return "it was trained on grey images: say --channels L"
        return f"its first layer reads {channels} channels, and images have 3: give the network's code (net.py)"
    if shapes <= {f"{head}.weight", f"{head}.bias"}:
        both = [list(t[f"{head}.weight"].shape) for t in (given, own)]
        if both[0][1:] == both[1][1:]:
            return f"it has {both[0][0]} classes: leave --num-classes out, the count is read from the file"
        return f"its head {head} is {both[0]}, the network's {both[1]}: it is another layer, or reads other features"
    return "it has the same layers with other channels: another width of this family (edgekit models list)"


def folded(own: State, given: State) -> bool:
    """Whether all that misses are BN layers, and the convolutions have biases instead."""
    norms = {key.removesuffix("running_mean") for key in own if key.endswith("running_mean")}
    missing = [key for key in own if key not in given]
    biases = [key for key in given if key not in own]
    return (
        bool(missing)
        and bool(biases)
        and all(any(key.startswith(norm) for norm in norms) for key in missing)
        and all(key.endswith(".bias") and f"{key.removesuffix('bias')}weight" in own for key in biases)
    )
