"""From a model card to a network: families, seeded random weights, BN statistics.

``build`` is the public way; the rest of edgekit uses it too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

import torch
from torch import Tensor, nn

from ..base import plugins
from ..base.files import sha256_file
from ..errors import UsageError, did_you_mean
from ..types import CheckpointReading, ModelCard, WeightsProvenance
from .checkpoints import Ranges, load_into, read_checkpoint, sha256_state
from .condensenet import condensenet
from .conventions import check_size, with_conventions
from .igcv1 import igcv1
from .igcv2 import igcv2
from .igcv3 import igcv3
from .layouts import class_count, layout_name
from .mnasnet import mnasnet
from .mobilenet_v1 import mobilenet_v1
from .mobilenet_v2 import mobilenet_v2
from .mobilenet_v3 import mobilenet_v3
from .shufflenet_v1 import shufflenet_v1
from .shufflenet_v2 import shufflenet_v2
from .size_limit import limited
from .squeezenet import squeezenet

FAMILIES: dict[str, Callable[..., nn.Module]] = {
    "squeezenet": squeezenet,
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3": mobilenet_v3,
    "mnasnet": mnasnet,
    "shufflenet_v1": shufflenet_v1,
    "shufflenet_v2": shufflenet_v2,
    "igcv1": igcv1,
    "igcv2": igcv2,
    "igcv3": igcv3,
    "condensenet": condensenet,
}

DEFAULT_SEED = 0
BN_BIAS_STD = 0.1
WIDER_BIAS = 5.0
AS_IT_IS = CheckpointReading()


def create(card: ModelCard, num_classes: int | None = None) -> nn.Module:
    """The card's network in eval mode with whatever the global random state gives as weights.

    Raises:
        UsageError: unknown family, an architecture key that the family does not take, a size that it does not fit, or
            far more parameters than a light network has.
    """
    build = family(card)
    try:
        check_size(card)
        if card.family in FAMILIES:
            check_numbers(build, card)
        with limited(card.id):
            network = build(**card.architecture, num_classes=num_classes or card.num_classes)
        take_channels(network, card.input_shape[0])
    except (TypeError, KeyError, ValueError, ArithmeticError) as error:
        raise UsageError(f"card {card.id}: [architecture] does not fit family {card.family}: {error}") from error
    return network.eval()


def check_numbers(build: Callable[..., nn.Module], card: ModelCard) -> None:
    """Make sure that each number of an architecture is above 0, or 0 where that is usual.

    Raises:
        ValueError: one is not.
    """
    usual = inspect.signature(build).parameters
    for key, value in card.architecture.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and key in usual and not (value > 0 or value == usual[key].default):  # type: ignore[operator]
            raise ValueError(f"{key} is {value}, which has to be above 0")


def family(card: ModelCard) -> Callable[..., nn.Module]:
    """The function that builds a card's family: edgekit's, or a plug-in's.

    Raises:
        UsageError: there is none of that name.
        ToolError: the plug-in cannot be imported.
    """
    others = plugins.names_of("families", FAMILIES)
    if card.family in FAMILIES:
        return FAMILIES[card.family]
    if card.family not in others:
        raise UsageError(
            f"card {card.id}: unknown family {card.family!r}", did_you_mean(card.family, [*FAMILIES, *others])
        )
    built: Callable[..., nn.Module] = plugins.load("families", card.family)
    return built


def take_channels(network: nn.Module, channels: int) -> None:
    """Make the network take images of so many channels, in place: its first convolution is made for three."""
    name, first = next((name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d))
    if first.in_channels == channels or first.groups != 1:
        return
    new = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    with torch.no_grad():  # as timm does it: grey images give what they gave in three equal channels
        new.weight.copy_(first.weight.sum(1, keepdim=True).expand_as(new.weight) / channels)
        if first.bias is not None and new.bias is not None:
            new.bias.copy_(first.bias)
    parent, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(parent), leaf, new)


def random_network(
    card: ModelCard, images: Tensor, num_classes: int | None = None, seed: int = DEFAULT_SEED
) -> nn.Module:
    """The card's network with seeded random weights, biases among them, in eval mode.

    BN statistics are taken from ``images`` (``(N, C, H, W)``, normalised), so that activations stay sane through
    every layer: with the untrained statistics (mean 0, variance 1) MobileNetV3's outputs shrink to 1e-10.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = create(card, num_classes)
        randomise_biases(network)
        calibrate_batch_norm(network, images)
    return network


def randomise_biases(network: nn.Module) -> None:
    """Give every bias random values, in place: BN ``N(0, 0.1)``, the others uniform up to ``1 / sqrt(inputs)``.

    A training begins with zeros, but converters drop the addition of zero, and quantizers know blocks of a network by
    it: the graph would not be that of a trained network.
    """
    for module in network.modules():
        bias = getattr(module, "bias", None)
        if not isinstance(bias, nn.Parameter):
            continue
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(bias, 0.0, BN_BIAS_STD)
        else:
            weight = module.weight
            assert isinstance(weight, Tensor)
            bound = 1 / sqrt(weight[0].numel())
            nn.init.uniform_(bias, -bound, bound)


def calibrate_batch_norm(network: nn.Module, images: Tensor) -> None:
    """Give every BN layer the statistics of one pass over ``images``, in place.

    The mean is each channel's own; the variance is the layer's, the same for all its channels. With a variance per
    channel a random network blows its weakest channels up to full size, and their rounding errors with them: no int8
    form of such a network could be told from a broken one (MobileNetV3 large, SQNR: 9 dB per channel, 17 dB per layer).
    Where the variance is far below BN's epsilon, the scale makes up for it: IGCV2 has three group convolutions before
    each BN, and without that its outputs shrink to 1e-14. Few of its channels hold most of the variance; a wider bias,
    half the layer's deviation as in trained networks, keeps the others from drowning in int8's rounding (cosine of the
    worst image 0.97, and 0.85 without).
    """

    def measure(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
        norm.running_mean.copy_(mean)
        layer = float(variance.mean())
        norm.running_var.fill_(layer)
        if norm.affine and 0 < layer < norm.eps / 10:
            norm.weight.mul_(sqrt((layer + norm.eps) / layer))
            norm.bias.mul_(WIDER_BIAS)

    with ExitStack() as hooks, torch.no_grad():
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                hooks.enter_context(norm.register_forward_pre_hook(measure))
        network(images)


@dataclass(frozen=True)
class Built:
    """A network with weights.

    Attributes:
        network: in eval mode.
        card: with the class count, and the conventions, that the checkpoint brings.
        provenance: where the weights came from.
        ranges: of its tensors, where the checkpoint was trained for int8; see ``Checkpoint``.
    """

    network: nn.Module
    card: ModelCard
    provenance: WeightsProvenance
    ranges: Ranges = field(default_factory=dict)


def network_with_weights(
    card: ModelCard,
    checkpoint: Path | None,
    images: Callable[[], Tensor],
    num_classes: int | None = None,
    seed: int = DEFAULT_SEED,
    reading: CheckpointReading = AS_IT_IS,
) -> Built:
    """The card's network with the weights of ``checkpoint``, or seeded random ones.

    The class count is that of the checkpoint's head.

    Args:
        card: of the network.
        checkpoint: None for random weights.
        images: asked for the images of :func:`random_network` only where they are needed.
        num_classes: of random weights; for a checkpoint the count that it is to have.
        seed: of random weights.
        reading: which weights of the file to take, and what they were trained with.

    Raises:
        UsageError: the checkpoint is missing, unreadable, unsafe, of another network or of other classes.
    """
    if num_classes is not None:
        card = card.model_copy(update={"num_classes": num_classes})
    if checkpoint is None:
        if reading != AS_IT_IS:
            option = "--ema" if reading.ema else "--tf-padding"
            raise UsageError(f"{option} is about a checkpoint, and none is given", "add --weights FILE")
        network = random_network(card, images(), seed=seed)
        digest = sha256_state(network)
        random = WeightsProvenance(kind="random", source=f"seed {seed}", sha256=digest, layout="own", seed=seed)
        return Built(network, card, random)
    network = create(card)
    found = read_checkpoint(checkpoint, network, ema=reading.ema)
    given = card
    card = with_conventions(card, checkpoint, layout_name(network, found.state), reading, found.architecture)
    classes = class_count(network, found.state)
    if classes not in (None, card.num_classes):
        if num_classes is not None:
            raise UsageError(
                f"{checkpoint} has {classes} classes, and --num-classes says {num_classes}",
                "leave --num-classes out: the count is read from the file",
            )
        card = card.model_copy(update={"num_classes": classes})
    if card != given:
        network = create(card)
    provenance = WeightsProvenance(
        kind="file",
        source=checkpoint.name,
        layout=load_into(network, found, own_eps="bn_eps" in card.architecture),
        sha256=sha256_file(checkpoint),
        key=found.key,
        average=found.average,
        other=found.other,
        notes=found.notes,
    )
    return Built(network, card, provenance, found.ranges)
