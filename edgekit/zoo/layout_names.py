"""The names that other libraries give to the layers of the zoo's networks, and the order of execution."""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import Tensor

from .conventions import KERAS, KERAS_ROOT, TF_EPS, TF_SLIM, TRANSFORMERS

State = dict[str, Tensor]


@dataclass(frozen=True)
class Layout:
    """How a library names its layers.

    Attributes:
        marker: beginning of a key that every checkpoint of this layout has, and no other layout.
        names: parts of the keys in the order of execution, ``stage`` and ``unit`` without their numbers.
        numbered: patterns of parts with a number inside, and how to write them with the number as a part of its own.
        bn_eps: BN epsilon that the weights were trained with; no checkpoint holds it.
    """

    name: str
    marker: str
    names: tuple[str, ...]
    numbered: tuple[tuple[str, str], ...] = ()
    bn_eps: float = 1e-5


LAYOUTS = (
    Layout(
        TRANSFORMERS,
        "conv_stem.convolution.",  # MobileNetV1
        ("conv_stem", "layer", "classifier", "convolution", "normalization"),
        bn_eps=TF_EPS,
    ),
    Layout(
        TRANSFORMERS,
        "conv_stem.first_conv.",  # MobileNetV2
        (
            *("conv_stem", "layer", "conv_1x1", "classifier"),
            *("first_conv", "expand_1x1", "conv_3x3", "reduce_1x1", "convolution", "normalization"),
        ),
        bn_eps=TF_EPS,
    ),
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
    *(
        Layout(
            TF_SLIM,
            f"{network}.",
            (
                *("Conv2d", "Conv", "expanded_conv", "Conv_1", "Conv_2", "Logits"),
                *("expand", "depthwise", "squeeze_excite", "pointwise", "project", "BatchNorm"),
            ),
            (
                (r"\.Conv2d_(\d+)(?:_(depthwise|pointwise))?\.", r".Conv2d.\1.\2."),
                (r"\.expanded_conv\.", ".expanded_conv.0."),
                (r"\.expanded_conv_(\d+)\.", r".expanded_conv.\1."),
            ),
            bn_eps=TF_EPS,
        )
        for network in ("MobilenetV1", "MobilenetV2", "MobilenetV3")
    ),
    Layout(KERAS, KERAS_ROOT, (), bn_eps=TF_EPS),  # in the order of execution; paired by kind
    Layout(
        "mmpretrain",
        "conv1.conv.",  # MobileNetV2, ShuffleNetV2
        ("conv1", "layer", "layers", "conv2", "branch1", "branch2", "conv", "bn"),
        ((r"^layer(\d+)\.", r"layer.\1."),),
    ),
    Layout(
        "mmpretrain, MobileNetV3",
        "layer0.conv.",
        ("layer", "expand_conv", "depthwise_conv", "se", "linear_conv", "conv1", "conv2", "conv", "bn"),
        ((r"^layer(\d+)\.", r"layer.\1."),),
        bn_eps=1e-3,
    ),
    Layout(
        "tonylins",  # and all who took their MobileNetV2 from there
        "features.1.conv.0.weight",
        ("features", "conv", "classifier"),
    ),
    Layout(
        "Caffe",  # of SqueezeNet's authors
        "fire2.",
        ("conv1", "fire", "squeeze1x1", "expand1x1", "expand3x3", "conv10"),
        ((r"^fire(\d+)\.", r"fire.\1."),),
    ),
)


def foreign_layout(state: State) -> Layout | None:
    """Which other library named the tensors; None for the network's own names."""
    return next((known for known in LAYOUTS if any(key.startswith(known.marker) for key in state)), None)


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
        for pattern, apart in layout.numbered:
            prefix = re.sub(pattern, apart, f"{prefix}.").rstrip(".")
        for part in filter(None, prefix.split(".")):
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
