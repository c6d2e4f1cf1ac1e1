"""The twelve ways of one card, each converted, audited, run and compared with PyTorch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgekit.agent.commands.inspect import inspect
from edgekit.agent.commands.run import run
from edgekit.artifacts.children.network import build, built_again, convert
from edgekit.artifacts.requests import BuildRequest, ConvertRequest, NetworkSource
from edgekit.base.images.pixels import from_output, load_pixels, normalise, to_input
from edgekit.base.target import host_target, saturates
from edgekit.catalog import find_card, profile_for
from edgekit.forms.profiles import INT8_WEIGHTS
from edgekit.types import RUNTIME_OF, Format, ModelCard, Precision, TargetClass
from edgekit.types.answers import InspectAnswer
from edgekit.verify.audit import audit
from edgekit.verify.parity import compare

FORMATS: tuple[Format, ...] = tuple(RUNTIME_OF)
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "dynamic", "int8")
SIDES = (8, 16, 32, 64, 128, 224)
IMAGES = 4
MIN_COSINE = {"fp16": 0.99, "int8": 0.4, "dynamic": 0.4}
"""At these sizes the last maps are single pixels, and a random network's scores lose more to rounding than at full
size; float32 has to reach its profile's parity."""
Cell = dict[str, Any]


def at_side(card: ModelCard, side: int) -> ModelCard:
    """The card for square images of this side."""
    preprocessing = card.preprocessing.model_copy(update={"resize": side, "crop": side})
    shape = (card.input_shape[0], side, side)
    return card.model_copy(update={"input_shape": shape, "preprocessing": preprocessing})


def smallest(card: ModelCard, folder: Path) -> tuple[NetworkSource, np.ndarray, int]:
    """The network with random weights, its images, and the smallest side that it computes.

    An ImageNet network halves its maps five times, others fewer times.
    """
    least = 32 if card.input_shape[1] >= 128 else 8
    for side in (one for one in SIDES if one >= least):
        sized = at_side(card, side)
        pixels = load_pixels(None, sized.preprocessing)[0][:IMAGES]
        np.save(folder / "pixels.npy", pixels)
        request = BuildRequest(
            card=sized, weights=None, num_classes=None, parity=folder / "pixels.npy", calibration=None, folder=folder
        )
        try:
            made = build(request)
        except (RuntimeError, ValueError) as error:  # a map is smaller than what reads it
            if side == SIDES[-1]:
                raise
            print(f"{card.id}: not at {side} pixels: {str(error).splitlines()[0]}", flush=True)  # noqa: T201 - a command
            continue
        source = NetworkSource(card=sized, state=folder / "state.pt", layout=made.provenance.layout)
        return source, pixels, side
    raise AssertionError("the loop returns or raises")


def every_way(name: str, folder: Path) -> Iterator[Cell]:
    """A cell for each format and precision; a failure is told by its cause."""
    torch.set_num_threads(1)
    source, pixels, side = smallest(find_card(name), folder)
    reference = np.load(folder / "reference.npy")
    for format_ in FORMATS:
        for precision in PRECISIONS:
            began = time.process_time()
            cell: Cell = {"card": name, "family": source.card.family, "side": side}
            cell |= {"format": format_, "precision": precision}
            try:
                cell |= one_way(source, pixels, reference, (format_, precision), folder)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this cell's, and the page names it
                cell["failed"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            yield {**cell, "cpu_s": round(time.process_time() - began, 1)}


def own_rounding(name: str, folder: Path) -> float:
    """By how much PyTorch's float32 is off float64, in parts of the largest score, with weights and images as above."""
    source, pixels, _ = smallest(find_card(name), folder)
    images = torch.from_numpy(normalise(pixels, source.card.preprocessing))
    network = built_again(source).eval()
    with torch.no_grad():
        rounded, exact = network(images), network.double()(images.double())
    return float((rounded - exact).abs().max() / exact.abs().max())


def one_way(
    source: NetworkSource,
    pixels: np.ndarray,
    reference: np.ndarray,
    way: tuple[Format, Precision],
    folder: Path,
    target: TargetClass | None = None,
) -> Cell:
    """What one artifact came to.

    Args:
        source: the network.
        pixels: its images; they also lie in the folder.
        reference: its scores for them in PyTorch.
        way: format and precision.
        folder: takes the artifact.
        target: of the artifact; this machine's when None.

    Returns:
        ``cosine``, ``sqnr_db`` and ``bytes``; ``failed`` when a claim does not hold or the scores are too far.
    """
    format_, precision = way
    profile = profile_for(format_, INT8_WEIGHTS[format_] if precision == "dynamic" else precision)
    target = target or host_target()
    place = folder / profile.name
    place.mkdir()
    made = convert(
        ConvertRequest(network=source, profile=profile, target=target, pixels=folder / "pixels.npy", folder=place)
    )
    file = place / made.files[0]
    request = {"runtime": RUNTIME_OF[format_], "model": str(file), "threads": 1}
    kept = frozenset(made.float_nodes), made.float_compute
    claims = audit(InspectAnswer.from_plain(inspect(request)), file, profile, made.inputs, made.outputs, *kept)
    np.save(place / "in.npy", to_input(pixels, made.inputs[0]))
    # Weights for a target whose sums hold them may overflow those of this machine.
    exact = precision == "int8" and format_ != "tflite" and saturates(host_target()) and not saturates(target)
    run({**request, "exact_int8": exact, "inputs": str(place / "in.npy"), "outputs": str(place / "out.npy")})
    scores = from_output(np.load(place / "out.npy"), made.outputs[0])
    parity = compare(reference, scores, profile.parity, trained=False)
    found: Cell = {
        "cosine": round(parity.cosine_min, 5),
        "sqnr_db": round(parity.sqnr_db, 1),
        "bytes": sum((place / one).stat().st_size for one in made.files),
    }
    failures = list(claims.failures)
    if precision == "fp32":
        failures += parity.failures
    elif parity.cosine_min <= MIN_COSINE[precision]:
        failures.append(f"cosine {parity.cosine_min:.3f} is not above {MIN_COSINE[precision]}")
    return {**found, "failed": "; ".join(failures)} if failures else found
