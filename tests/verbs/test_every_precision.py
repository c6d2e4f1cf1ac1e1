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

from benchmarks.every_card.ways import FORMATS, MIN_COSINE, PRECISIONS, at_side, one_way
from edgekit.artifacts.requests import BuildRequest, NetworkSource
from edgekit.base.images.pixels import load_pixels
from edgekit.catalog import find_card
from edgekit.types import ModelCard
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


@dataclass(frozen=True)
class Built:
    """A network, its images and its scores in PyTorch."""

    source: NetworkSource
    pixels: np.ndarray
    reference: np.ndarray
    folder: Path


def shallow(name: str) -> ModelCard:
    """The card at its smallest side, and no deeper than it must be."""
    card = at_side(find_card(name), WIDEST[name])
    return card.model_copy(update={"architecture": {**card.architecture, **SHALLOWER.get(name, {})}})


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Callable[[str], Built]:
    """Builds a network with random weights; the last one is kept."""
    from edgekit.artifacts.children.network import build

    kept: dict[str, Built] = {}

    def once(name: str) -> Built:
        if name not in kept:
            kept.clear()
            folder = tmp_path_factory.mktemp(name)
            card = shallow(name)
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


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", WIDEST)
def test_every_precision_of_the_widest(built, name, format_, precision):
    network = built(name)
    made = one_way(
        network.source, network.pixels, network.reference, (format_, precision), network.folder, "x86-vnni"
    )  # fmt: skip
    assert "failed" not in made, made["failed"]
    assert precision == "fp32" or made["cosine"] > MIN_COSINE[precision]
