"""The steps of an export that need PyTorch: build a network, and convert it. Both run in child processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import fx, nn

from ...base.images.calibration import check_calibration
from ...base.images.pixels import normalise
from ...convert.job import TOOLS
from ...passes.bake_preprocess import bake_preprocess
from ...passes.name_layers import name_layers
from ...passes.pipeline import apply_rewrites
from ...passes.split_hard_swish import join_hard_swish
from ...types import ExportProfile, Format, Layer, LayerLoad, ModelCard, Rewrite, TargetClass
from ...verify.blind import check_sight
from ...verify.finite import check_weights, finite_outputs
from ...zoo.build import build_with_provenance
from ...zoo.class_names import class_names
from ...zoo.complexity import count_params, layer_costs
from ...zoo.layouts import adopt
from ...zoo.registry import create
from ..requests import BuildRequest, BuiltNetwork, ConvertRequest, Made, NetworkSource

if TYPE_CHECKING:
    from ...convert.job import Converted, Job


def build(request: BuildRequest) -> BuiltNetwork:
    """Build the network, save its state and its float32 outputs on the parity images.

    Raises:
        UsageError: the checkpoint does not fit, a weight is not finite, or a layer's output on an image; or the scores
            do not depend on the image.
    """
    card = request.card
    built = build_with_provenance(card, request.weights, request.num_classes, request.reading)
    network = built.network
    images = torch.from_numpy(normalise(np.load(request.parity), card.preprocessing))
    check_weights(network)
    outputs = finite_outputs(network, images, "parity")
    check_sight(network, images, outputs)
    if request.calibration is not None:
        others = torch.from_numpy(normalise(np.load(request.calibration), card.preprocessing))
        finite_outputs(network, others, "calibration")
    torch.save(network.state_dict(), request.folder / "state.pt")
    np.save(request.folder / "reference.npy", outputs.numpy())
    costs = layer_costs(network, (1, *card.input_shape))
    return BuiltNetwork(
        card=built.card,
        provenance=built.provenance,
        classes=class_names(built.card, request.weights, built.provenance.sha256, outputs.shape[1]),
        params=count_params(network),
        macs=sum(cost.macs for cost in costs),
        ranges=dict(built.ranges),
        layers=tuple(
            LayerLoad(name=c.name, macs=c.macs, elements=c.memory_access, weights=c.weights) for c in costs if c.macs
        ),
    )


def convert(request: ConvertRequest) -> Made:
    """Rewrite, convert and quantize into the request's folder.

    Raises:
        UsageError: the profile keeps layers in float that the network does not have, or int8 cannot be calibrated on
            the images.
    """
    from ...convert.int8.float_layers import float_layers
    from ...convert.job import Job
    from .learnt import handed_over

    card, profile, target = request.network.card, request.profile, request.target
    pixels = np.load(request.pixels)
    doubts = check_calibration(pixels) if profile.precision == "int8" else []
    rewritten, layers, rewrites = rewritten_network(request.network, profile)
    patterns = profile.quantization.keep_float if profile.quantization else ()
    kept = float_layers(layers, patterns)
    in_float = frozenset(layer.name for layer in kept)
    join_hard_swish(rewritten, in_float)
    chosen: dict[str, str | bool] = {}
    learnt: dict[str, tuple[float, float]] = {}
    if profile.quantization is not None:
        images = torch.from_numpy(normalise(pixels, card.preprocessing))
        with one_thread():
            if profile.quantization.activations == "asymmetric":  # as it was trained
                trained = built_again(request.network)
                learnt = handed_over(trained, request.network.ranges, rewritten, layers, images)
            profile, chosen = fit(rewritten, layers, images, profile, target, in_float, trained=bool(learnt))
        if request.network.ranges:
            chosen["ranges_learnt"] = f"{len(learnt)} of {len(request.network.ranges)} tensors"
    job = Job(
        network=with_input(rewritten, card, profile),
        profile=profile,
        target=target,
        preprocessing=card.preprocessing,
        inputs=network_inputs(pixels, card, profile),
        folder=request.folder,
        layers={layer.name: layer for layer in layers},
        float_layers=in_float,
        learnt=learnt,
    )
    with torch.no_grad():
        made = converter(profile.format)(job)
    return Made(
        files=made.files,
        inputs=made.inputs,
        outputs=made.outputs,
        quantization=None if made.quantization is None else made.quantization | chosen,
        notes=(*doubts, *made.notes),
        float_nodes=made.float_nodes,
        owners=made.owners,
        target=target,
        float_layers=tuple(layer.path for layer in kept),
        float_names=tuple(sorted(in_float)),
        float_compute=sum(bool({"conv", "linear"} & set(layer.kinds)) for layer in kept),
        rewrites=rewrites,
        tool_versions={name: metadata.version(name) for name in TOOLS[profile.format]},
    )


def fit(
    network: fx.GraphModule,
    layers: tuple[Layer, ...],
    images: torch.Tensor,
    profile: ExportProfile,
    target: TargetClass,
    in_float: frozenset[str],
    trained: bool = False,
) -> tuple[ExportProfile, dict[str, str | bool]]:
    """Fit a network's biases and weights to the calibration images in place, as the profile has it.

    A network that was trained with int8's rounding in its forward pass fits already: it keeps the weights and biases of
    its training (``trained``).

    Returns:
        The profile with the ranges that were chosen, and what the manifest says of the choice.
    """
    from ...convert.int8.bias_correction import correct_biases
    from ...convert.int8.bias_room import make_room
    from ...convert.int8.range_choice import choose_ranges
    from ...convert.int8.simulation import scheme_of
    from ...convert.int8.weight_rounding import round_weights

    settings = profile.quantization
    chosen: dict[str, str | bool] = {}
    assert settings is not None
    scheme = scheme_of(settings, target, profile.format)
    if profile.format != "openvino":  # its biases stay in float
        make_room(network, layers, images, in_float)
    if trained:
        settings = settings.model_copy(update={"bias_correction": False, "rounding": "nearest"})
        profile = profile.model_copy(update={"quantization": settings})
    if settings.ranges == "auto":
        settings, chosen["ranges_chosen"] = choose_ranges(network, layers, images, settings, scheme, in_float)
        profile = profile.model_copy(update={"quantization": settings})
    if settings.bias_correction and profile.format != "openvino":
        correct_biases(network, layers, images, scheme, settings, in_float)
    if settings.rounding == "compensated":
        # Preprocessing that is baked in scales the first layer's weights: they are left to the quantizer.
        first = {layer.name for layer in layers if profile.bake_preprocess and "first" in layer.kinds}
        round_weights(network, layers, images, scheme, in_float | first)
    return profile, chosen


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread: for these small layers, more threads cost more CPU time than they save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def rewritten_network(
    source: NetworkSource, profile: ExportProfile
) -> tuple[fx.GraphModule, tuple[Layer, ...], tuple[Rewrite, ...]]:
    """The network of a source with the profile's rewrites, named."""
    rewritten, rewrites = unnamed_network(source, profile)
    return rewritten, name_layers(rewritten), rewrites


def unnamed_network(source: NetworkSource, profile: ExportProfile) -> tuple[fx.GraphModule, tuple[Rewrite, ...]]:
    """The network of a source with the profile's rewrites, and with the tensors of two scales split."""
    network = built_again(source)
    rewritten, rewrites = apply_rewrites(network, profile.rewrites, torch.zeros(1, *source.card.input_shape))
    settings = profile.quantization
    if settings is None or not settings.two_scales:
        return rewritten, rewrites
    from .placement import two_scales

    assert source.calibration is not None
    inputs = torch.from_numpy(normalise(np.load(source.calibration), source.card.preprocessing))
    with one_thread():
        count = two_scales(rewritten, settings.two_scales, inputs)
    return rewritten, (*rewrites, Rewrite(name="split_expansion", count=count))


def built_again(source: NetworkSource) -> nn.Module:
    """The network that :func:`build` built."""
    network = create(source.card)
    network.load_state_dict(torch.load(source.state, weights_only=True))
    adopt(network, source.layout, own_eps="bn_eps" in source.card.architecture)
    return network


def with_input(network: nn.Module, card: ModelCard, profile: ExportProfile) -> nn.Module:
    """The network as the artifact takes its input: as it is, or behind its own preprocessing."""
    if not profile.bake_preprocess:
        return network
    # An int8 artifact gets uint8 ends after quantization; a float one casts the pixels itself.
    return bake_preprocess(network, card.preprocessing, cast=profile.precision != "int8")


def network_inputs(pixels: np.ndarray[Any, Any], card: ModelCard, profile: ExportProfile) -> np.ndarray[Any, Any]:
    """Calibration inputs, ``(N, C, H, W)``, as :func:`with_input`'s network takes them."""
    if not profile.bake_preprocess:
        return normalise(pixels, card.preprocessing)
    nchw = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return nchw.astype(np.float32) if profile.precision == "int8" else nchw


def converter(format_: Format) -> Callable[[Job], Converted]:
    """The converter of a format; only its own packages are imported."""
    if format_ == "onnx":
        from ...convert.onnx.convert import convert_onnx

        return convert_onnx
    if format_ == "tflite":
        from ...convert.tflite.convert import convert_litert

        return convert_litert
    from ...convert.openvino.convert import convert_openvino

    return convert_openvino
