"""Checkpoint layouts: the names that other libraries give to the same tensors.

Two implementations of one network have the same layers in the same order of execution. A layout is therefore a list
of names in that order: it sorts a foreign state into execution order, and its layers are then paired one to one with
the network's own. CondenseNet's official names are edgekit's own; only its forms differ.
"""

from __future__ import annotations

import re
from dataclasses import replace

from torch import Tensor, nn

from ..errors import UsageError
from .condense import condense, whole_classifier
from .condensenet import CondenseNet
from .conventions import KERAS
from .heads import as_shaped, cause, last_layer, with_head
from .keras_pairs import paired_by_kind
from .layout_names import LAYOUTS, foreign_layout, in_order, layers_of
from .mnasnet import MnasNet
from .mobilenet_v2 import MobileNetV2
from .mobilenet_v3 import MobileNetV3
from .shufflenet_v2 import ShuffleNetV2
from .squeezenet import SqueezeNet

State = dict[str, Tensor]
SHOWN = 3
TORCHVISION_NAMES = (SqueezeNet, MobileNetV2, MobileNetV3, MnasNet, ShuffleNetV2)
TRAINED_AS = "edgekit, trained as "
"""Before the name of the foreign layout whose conventions a checkpoint of edgekit's trainer has."""


# pytorchcv's names of the condensed CondenseNet, as the official ones.
PYTORCHCV_CONDENSENET = (
    (r"^features\.init_block\.conv\.", "features.init_conv."),
    (r"^features\.stage(\d+)\.unit(\d+)\.conv(\d)\.", r"features.denseblock_\1.denselayer_\2.conv_\3."),
    (r"^features\.post_activ\.bn\.", "features.norm_last."),
    (r"^output\.", "classifier."),
    (r"\.bn\.", ".norm."),
)


def translate(network: nn.Module, state: State) -> tuple[str, State]:
    """``state`` under the names of ``network``, and the name of its layout. Tensors that fit nowhere keep their names.

    Raises:
        UsageError: a CondenseNet training checkpoint of another variant, or one that is not wholly condensed.
    """
    if isinstance(network, CondenseNet):
        return condensenet_state(network, state)
    layout = foreign_layout(state)
    if layout is not None and layout.name == KERAS:
        return layout.name, paired_by_kind(network, state)
    if layout is not None:
        return layout.name, paired(network, in_order(layout, state))
    return own_names(network), with_head(network, state)


def own_names(network: nn.Module) -> str:
    """Whose names the network's own are."""
    return "torchvision" if isinstance(network, TORCHVISION_NAMES) else "edgekit"


def layout_name(network: nn.Module, state: State) -> str:
    """Whose names the tensors have: :func:`translate` says it in more words for CondenseNets."""
    layout = foreign_layout(state)
    return own_names(network) if layout is None else layout.name


def adopt(network: nn.Module, layout: str, *, own_eps: bool = False) -> None:
    """Give ``network`` what a foreign layout's weights were trained with and no tensor says: BN epsilon, activation,
    shuffle order. edgekit's own names leave everything as the card has it, unless they say what they were trained as.
    With ``own_eps`` the card says the epsilon, and the network has it.
    """
    layout = layout.removeprefix(TRAINED_AS)
    known = next((known for known in LAYOUTS if known.name == layout), None)
    if known is None:
        return
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and not own_eps:
            module.eps = known.bn_eps
    take = getattr(network, "adopt", None)
    if take is not None:
        take(layout)


def paired(network: nn.Module, state: State) -> State:
    """``state``, in the order of execution, under ``network``'s names.

    A bias that the other library does without is zero; a classifier may be a 1x1 convolution there.
    """
    own, foreign = layers_of(network.state_dict()), layers_of(state)
    result: State = {}
    for (prefix, mine), theirs in zip(own.items(), foreign.values(), strict=False):
        for leaf, value in mine.items():
            given = theirs.get(leaf)
            if given is None and leaf == "bias" and mine["weight"].ndim > 1:
                given = value.new_zeros(value.shape)
            if given is not None:
                result[f"{prefix}.{leaf}"] = as_shaped(given, value)
    for prefix in list(foreign)[len(own) :]:
        result |= {f"{prefix}.{leaf}": value for leaf, value in foreign[prefix].items()}
    return result


def condensenet_state(network: CondenseNet, state: State) -> tuple[str, State]:
    """Any public CondenseNet checkpoint as a state of ``network``, with the name of its layout.

    A training checkpoint is condensed, and a halved classifier written out, where ``network``'s form asks for it.
    """
    publisher = "CondenseNet"
    if any(key.startswith("features.init_block.") for key in state):
        publisher = "pytorchcv"
        for pattern, name in PYTORCHCV_CONDENSENET:
            state = {re.sub(pattern, name, key): value for key, value in state.items()}
    if any(key.endswith("._mask") for key in state):
        if network.form == "training":
            return "CondenseNet training", state
        twin = CondenseNet(replace(network.config, half_classifier=False), "training")
        load_strictly(twin, state)
        return "CondenseNet training, condensed", condense(
            twin, half_classifier=network.config.half_classifier
        ).state_dict()
    if isinstance(network.classifier, nn.Linear) and has_half_classifier(state, network.classifier.in_features):
        whole = whole_classifier(state, network.classifier.in_features)
        return f"{publisher} converted, classifier written out", whole
    return f"{publisher} converted", state


def has_half_classifier(state: State, features: int) -> bool:
    """True when ``state`` has a classifier that reads half of ``features`` channels by an index within them."""
    index, weight = state.get("classifier.index"), state.get("classifier.linear.weight")
    if index is None or weight is None or "classifier.linear.bias" not in state:
        return False
    return index.numel() == weight.shape[-1] == features // 2 and 0 <= int(index.min()) <= int(index.max()) < features


def class_count(network: nn.Module, state: State) -> int | None:
    """The number of classes of a checkpoint, or None where it has no such head: loading it will say so."""
    if isinstance(network, CondenseNet):
        # Every form and publisher has the classes in the first dimension of the last linear layer.
        names = ("classifier.weight", "classifier.linear.weight", "output.weight", "output.linear.weight")
        weight = next((state[name] for name in names if name in state), None)
    else:
        weight = translate(network, state)[1].get(f"{last_layer(network)}.weight")
    return None if weight is None or not weight.ndim else int(weight.shape[0])


def load_strictly(network: nn.Module, state: State) -> None:
    """Load ``state`` into ``network`` in place.

    Raises:
        UsageError: keys, shapes or types differ, with the first of each; nothing is loaded.
    """
    own = network.state_dict()
    # Files from before torch 0.4.1 lack the counter; it plays no part in inference.
    counters = {key: value for key, value in own.items() if key.endswith("num_batches_tracked")}
    complete = counters | state
    problems = differences(own, complete)
    if problems:
        raise UsageError("; ".join(problems), cause(network, own, complete))
    check_types(own, complete)
    network.load_state_dict(complete, strict=True)


def check_types(own: State, given: State) -> None:
    """Refuse integers where the network has real numbers: they are stored values of a quantized network, not weights.

    Raises:
        UsageError: there are some.
    """
    whole = [k for k, value in own.items() if value.is_floating_point() and not given[k].is_floating_point()]
    if whole:
        kind = str(given[whole[0]].dtype).removeprefix("torch.")
        raise UsageError(
            f"{len(whole)} tensors hold {kind}, not real numbers, first {whole[0]}: values of a quantized network",
            "give the float checkpoint that was quantized; edgekit export --int8 quantizes it",
        )


def differences(own: State, given: State) -> list[str]:
    """What differs between two state dicts, at most a few of each kind, in words."""
    found = []
    missing = [key for key in own if key not in given]
    unexpected = [key for key in given if key not in own]
    shapes = [key for key in own if key in given and own[key].shape != given[key].shape]
    if missing:
        found.append(f"{len(missing)} keys missing, first {', '.join(missing[:SHOWN])}")
    if unexpected:
        found.append(f"{len(unexpected)} unexpected, first {', '.join(unexpected[:SHOWN])}")
    if shapes:
        shown = [f"{key} is {list(given[key].shape)}, not {list(own[key].shape)}" for key in shapes[:SHOWN]]
        found.append(f"{len(shapes)} of another shape: {', '.join(shown)}")
    return found
