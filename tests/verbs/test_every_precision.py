"""The widest network of each family in every format and precision, at the smallest size of image.

All of 167 cards in 12 ways are ``edgekit matrix --precision all``, which takes hours; width is what once made a
precision fail (a wide bias was taken for a weight), and deeper cards of a width repeat its blocks. Where several are as
wide, the one of fewest layers is taken, and IGCV1 has two units a stage: one that widens, one that keeps its width. At
32 pixels the last maps are single pixels, so that a random network's scores lose more to rounding than at full size:
float32 has to reach its profile's parity, the others a looser cosine; what is proven here is that each converts, runs
and holds what it claims. A network's 12 ways take 15 to 45 seconds of CPU.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgekit.agent.commands.inspect import inspect
from edgekit.agent.commands.run import run
from edgekit.artifacts.requests import BuildRequest, ConvertRequest, NetworkSource
from edgekit.base.images.pixels import from_output, load_pixels, to_input
from edgekit.base.target import host_target, saturates
from edgekit.catalog import find_card, profile_for
from edgekit.forms.profiles import INT8_WEIGHTS
from edgekit.types import RUNTIME_OF, ModelCard
from edgekit.types.answers import InspectAnswer
from edgekit.verify.audit import audit
from edgekit.verify.parity import compare
from edgekit.zoo.registry import FAMILIES

pytestmark = pytest.mark.slow

WIDEST = {
    "squeezenet_1.0": 32, "mobilenet_v1_1.0": 32, "mobilenet_v2_1.4": 32, "mobilenet_v3_large_1.25": 32,
    "mnasnet_b1_1.4": 32, "shufflenet_v1_g8_2.0": 32, "shufflenet_v2_2.0": 32, "igcv1_cifar10_l450m2_d20_plain": 8,
    "igcv2_cifar10_c416_k8_l3_d8": 8, "igcv3_w_1.0_imagenet": 32, "condensenet_imagenet74_g4c4": 32,
}  # fmt: skip
"""A family's widest network, and the side of its images in pixels."""
SHALLOWER = {"igcv1_cifar10_l450m2_d20_plain": {"depth": 11}}
"""Architecture of a network that repeats its widest blocks more than once."""
MIN_COSINE = {"fp16": 0.99, "int8": 0.4, "dynamic": 0.4}


@dataclass(frozen=True)
class Built:
    """A network, its images and its scores in PyTorch."""

    source: NetworkSource
    pixels: np.ndarray
    reference: np.ndarray
    folder: Path


def at_side(card: ModelCard, side: int) -> ModelCard:
    """The card for square images of this side, and no deeper than it must be."""
    preprocessing = card.preprocessing.model_copy(update={"resize": side, "crop": side})
    shape = (card.input_shape[0], side, side)
    architecture = {**card.architecture, **SHALLOWER.get(card.id, {})}
    return card.model_copy(update={"input_shape": shape, "preprocessing": preprocessing, "architecture": architecture})


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Callable[[str], Built]:
    """Builds a network with random weights; the last one is kept."""
    from edgekit.artifacts.children.network import build

    kept: dict[str, Built] = {}

    def once(name: str) -> Built:
        if name not in kept:
            kept.clear()
            folder = tmp_path_factory.mktemp(name)
            card = at_side(find_card(name), WIDEST[name])
            pixels = load_pixels(None, card.preprocessing)[0][:4]
            parity = folder / "pixels.npy"
            np.save(parity, pixels)
            made = build(
                BuildRequest(
                    card=card, weights=None, num_classes=None, parity=parity, calibration=None, folder=folder
                )
            )  # fmt: skip
            source = NetworkSource(
                card=card, state=folder / "state.pt", layout=made.provenance.layout
            )  # fmt: skip
            kept[name] = Built(source, pixels, np.load(folder / "reference.npy"), folder)
        return kept[name]

    return once


@pytest.fixture(scope="module", autouse=True)
def _rewritten_once():
    """A format's precisions begin with the same rewrites, which take a fifth of the time."""
    from edgekit.artifacts.children import network as steps

    rewrite, kept = steps.apply_rewrites, {}

    def once(network, names, sample):
        key = digest(network), tuple(names), sample.shape
        if key not in kept:
            kept.clear()
            kept[key] = rewrite(network, names, sample)
            for module in kept[key][0].modules():  # a buffer that was computed from weights cannot be copied
                for name, buffer in module.named_buffers(recurse=False):
                    setattr(module, name, buffer.detach())
        rewritten, records = kept[key]
        return copy.deepcopy(rewritten), records

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "apply_rewrites", once)
        yield


@pytest.fixture(scope="module", autouse=True)
def _traced_once():
    """Most of a conversion is the tracing, and float32, float16 and dynamic begin with the same float model."""
    from edgekit.convert.onnx import convert as to_onnx
    from edgekit.convert.openvino import convert as to_openvino

    def once(trace, copied):
        kept: dict[str, Any] = {}

        def traced(job):
            key = digest(job.network)
            if key not in kept:
                kept.clear()
                kept[key] = trace(job)
            return copied(kept[key])

        return traced

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(to_onnx, "trace", once(to_onnx.trace, copy.deepcopy))
        patch.setattr(to_openvino, "trace", once(to_openvino.trace, lambda model: model.clone()))
        yield


def digest(network: torch.nn.Module) -> str:
    """What a network computes: its code and its values."""
    found = hashlib.sha256(repr(network).encode())
    for module in network.modules():
        found.update(getattr(module, "code", "").encode())
    for name, value in network.state_dict().items():
        found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()


@pytest.fixture(autouse=True)
def _one_thread():
    """Small layers cost more CPU seconds in several threads than they save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_each_family_is_there():
    assert [find_card(name).family for name in WIDEST] == list(FAMILIES)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "dynamic", "int8"])
@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
@pytest.mark.parametrize("name", WIDEST)
def test_every_precision_of_the_widest(built, name, format_, precision):
    from edgekit.artifacts.children.network import convert

    network = built(name)
    profile = profile_for(format_, INT8_WEIGHTS[format_] if precision == "dynamic" else precision)
    folder = network.folder / profile.name
    folder.mkdir()
    made = convert(
        ConvertRequest(
            network=network.source,
            profile=profile,
            target="x86-vnni",
            pixels=network.folder / "pixels.npy",
            folder=folder,
        )
    )
    file = folder / made.files[0]
    request = {"runtime": RUNTIME_OF[format_], "model": str(file), "threads": 1}
    kept = frozenset(made.float_nodes), made.float_compute
    claims = audit(InspectAnswer.from_plain(inspect(request)), file, profile, made.inputs, made.outputs, *kept)
    assert claims.passed, claims.failures
    np.save(folder / "in.npy", to_input(network.pixels, made.inputs[0]))
    exact = precision == "int8" and format_ != "tflite" and saturates(host_target())  # made for x86-vnni
    run({**request, "exact_int8": exact, "inputs": str(folder / "in.npy"), "outputs": str(folder / "out.npy")})
    scores = from_output(np.load(folder / "out.npy"), made.outputs[0])
    parity = compare(network.reference, scores, profile.parity, trained=False)
    if precision == "fp32":
        assert parity.passed, parity.failures
    else:
        assert parity.cosine_min > MIN_COSINE[precision]
