"""Checkpoint layouts: the names that other libraries give to the same tensors.

Two implementations of one network have the same layers in the same order of execution. A layout is therefore a list
of names in that order: it sorts a foreign state into execution order, and its layers are then paired one to one with
the network's own. CondenseNet's official names are edgekit's own; only its forms differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from torch import Tensor, nn

from ..errors import UsageError
from .condense import condense, whole_classifier
from .condensenet import CondenseNet
from .heads import as_shaped, cause, last_layer, with_head
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
BN_EPS = 1e-5  # of every foreign layout below; no checkpoint holds it


@dataclass(frozen=True)
class Layout:
    """How a library names its layers.

    Attributes:
        marker: beginning of a key that every checkpoint of this layout has, and no other layout.
        names: parts of the keys in the order of execution, ``stage`` and ``unit`` without their numbers.
    """

    name: str
    marker: str
    names: tuple[str, ...]


LAYOUTS = (
    Layout(
        "timm",
        "conv_stem.",
        (
            *("conv_stem", "conv", "conv_pw", "bn1", "blocks", "conv_dw", "conv_head", "bn2"),
            *("se", "conv_reduce", "conv_expand", "conv_pwl", "bn3", "classifier"),
        ),
    ),
    Layout(
        "pytorchcv",
        "features.init_block.",
        (
            *("features", "output", "init_block", "stage", "final_block", "unit"),
            *("compress_conv1", "compress_bn1", "dw_conv2", "dw_bn2", "expand_conv3", "expand_bn3"),  # ShuffleNet
            *("squeeze", "expand1x1", "expand3x3"),  # SqueezeNet
            *("shortcut_dconv", "shortcut_conv", "exp_conv", "conv1", "dconv", "dw_conv", "se"),
            *("conv2", "conv3", "pw_conv", "final_conv", "conv", "bn"),
        ),
    ),
    Layout(
        "megvii",
        "first_conv.",
        (
            *("first_conv", "features", "branch_proj", "branch_main", "branch_main_1", "branch_main_2"),
            *("conv_last", "classifier"),
        ),
    ),
)
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
    if layout is not None:
        return layout.name, paired(network, in_order(layout, state))
    return own_names(network), with_head(network, state)


def foreign_layout(state: State) -> Layout | None:
    """Which other library named the tensors; None for the network's own names."""
    return next((known for known in LAYOUTS if any(key.startswith(known.marker) for key in state)), None)


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
    if layout not in {known.name for known in LAYOUTS}:
        return
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and not own_eps:
            module.eps = BN_EPS
    take = getattr(network, "adopt", None)
    if take is not None:
        take(layout)


def layers_of(state: State) -> dict[str, State]:
    """Tensors by layer (the key without its last part), in the state's order."""
    layers: dict[str, State] = {}
    for key, value in state.items():
        prefix, _, leaf = key.rpartition(".")
        layers.setdefault(prefix, {})[leaf] = value
    return layers


def in_order(layout: Layout, state: State) -> State:
    """``state`` in the order of execution."""
    if layout.name == "timm":
        state = with_projections(state)
    rank = {name: index for index, name in enumerate(layout.names)}

    def position(prefix: str) -> list[tuple[int, int]]:
        found = []
        for part in prefix.split("."):
            numbered = re.fullmatch(r"(stage|unit|)(\d+)", part)
            name, number = numbered.groups() if numbered else (part, "0")
            # A name that the library does not have is a head of the user's: it comes last.
            found.append((rank.get(name, len(rank) if name else -1), int(number)))
        return found

    layers = layers_of(state)
    ordered = sorted(layers, key=position)
    return {f"{prefix}.{leaf}": value for prefix in ordered for leaf, value in layers[prefix].items()}


def with_projections(state: State) -> State:
    """Rename timm's blocks without expansion as if it were merely missing: ``conv_pw`` there is the projection."""
    expanding = {key.rpartition(".conv_pwl.")[0] for key in state if ".conv_pwl." in key}
    names = {"conv_pw": "conv_pwl", "bn1": "bn2", "bn2": "bn3"}
    separable = {key.rpartition(".conv_dw.")[0] for key in state if ".conv_dw." in key} - expanding
    renamed = {}
    for key, value in state.items():
        layer, _, leaf = key.rpartition(".")
        block, _, name = layer.rpartition(".")
        moved = block in separable and name in names
        renamed[f"{block}.{names[name]}.{leaf}" if moved else key] = value
    return renamed


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
