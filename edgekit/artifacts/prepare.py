"""What all artifacts of one model share: images, network, weights, float reference. Made once, in a child process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..base.images.pixels import Pixels
from ..base.processes.isolate import run_isolated
from ..base.progress import Progress, Step, silent
from ..types import CheckpointReading, ImageSet, LayerLoad, ModelCard, WeightsProvenance
from ..zoo.preprocessing import NO_WISHES, Wishes
from .children import jobs
from .children.imports import NETWORK
from .image_sources import load
from .requests import BuildRequest, NetworkSource

CALIBRATION, PARITY = "calibration.npy", "parity.npy"
SOME = 32
"""Number of images between two progress events."""
MORE_TIME = "give it more time: edgekit export --timeout SECONDS"


@dataclass(frozen=True)
class ExportOptions:
    """What the command line asks for, apart from models and profiles.

    Attributes:
        weights: ``random``, ``pretrained`` or a checkpoint path.
        num_classes: of random weights; for a checkpoint the count that it is to have.
        reading: how the checkpoint is to be read.
        calibration: folder, ``.npz``, ``synthetic`` or None for the bundled photos.
        parity_data: images to verify on; the calibration images when None.
        out: artifacts go to ``out/<model>/<profile>/``.
        timeout_s: limit of each conversion.
        cache: folder of earlier artifacts to take from and add to; None for no cache.
        layer_errors: measure every layer of int8 artifacts.
        selective_float: say how an int8 artifact came to what the profile or ``min_sqnr_db`` asks for.
        strict_int8: nothing of an int8 artifact goes to float that its profile does not name; one that misses the
            profile's bounds is refused.
        input: what the command line says of the preprocessing and the input's size.
        sources: files that cards and profiles were read from, by id and by name; those of the catalog are left out.
        out_option: the verb's option that names ``out``, for advice.
    """

    weights: str = "random"
    num_classes: int | None = None
    calibration: str | None = None
    parity_data: str | None = None
    out: Path = Path("artifacts")
    timeout_s: float = 900.0
    cache: Path | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    layer_errors: bool = False
    selective_float: bool = False
    strict_int8: bool = False
    min_sqnr_db: float | None = None
    reading: CheckpointReading = field(default_factory=CheckpointReading)
    input: Wishes = NO_WISHES
    out_option: str = "--out"


@dataclass(frozen=True)
class Images:
    """Pixels for calibration and for parity, and where they came from."""

    pixels: Pixels
    source: ImageSet
    parity_pixels: Pixels
    parity_source: ImageSet


def load_images(card: ModelCard, options: ExportOptions, progress: Progress = silent) -> Images:
    """The images that the options name, at the card's size; large photos take seconds, so that progress is told.

    Raises:
        UsageError: they are not there or not usable.
    """

    def each(done: int, count: int) -> None:
        if done % SOME == 0:
            progress(Step(f"reading images, {done} of {count}", (card.id,)))

    pixels, source = load(options.calibration, card.preprocessing, "train", each)
    if options.parity_data is None:
        return Images(pixels, source, pixels, source)
    return Images(pixels, source, *load(options.parity_data, card.preprocessing, "test", each))


@dataclass(frozen=True)
class Prepared:
    """What all profiles of one model share; the files live in ``work``.

    Attributes:
        card: with the class count and the conventions that the weights brought.
        ranges: of the network's tensors, where the weights bring them.
    """

    card: ModelCard
    options: ExportOptions
    work: Path
    provenance: WeightsProvenance
    classes: tuple[str, ...]
    params: int
    macs: int
    layers: tuple[LayerLoad, ...]
    calibration: ImageSet
    parity_data: ImageSet
    parity_pixels: Pixels
    reference: np.ndarray[Any, Any]
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def source(self) -> NetworkSource:
        """What a child needs to build the network again."""
        return NetworkSource(
            card=self.card,
            state=self.work / "state.pt",
            layout=self.provenance.layout,
            calibration=self.calibration_file,
            ranges=self.ranges,
        )

    @property
    def calibration_file(self) -> Path:
        """The calibration images, ``.npy``, uint8 ``(N, H, W, C)``."""
        return self.work / CALIBRATION

    @property
    def parity_file(self) -> Path:
        """The parity images, likewise."""
        return self.work / PARITY


def prepare(
    card: ModelCard,
    checkpoint: Path | None,
    options: ExportOptions,
    work: Path,
    images: Images | None = None,
    progress: Progress = silent,
) -> Prepared:
    """Load the images unless given, build the network in a child process and compute the reference outputs."""
    images = images or load_images(card, options, progress)
    np.save(work / CALIBRATION, images.pixels)
    np.save(work / PARITY, images.parity_pixels)
    request = BuildRequest(
        card=card,
        # A link in a hub's cache is not resolved: its name tells more than the digest that it points to.
        weights=None if checkpoint is None else checkpoint.absolute(),
        num_classes=options.num_classes,
        reading=options.reading,
        parity=work / PARITY,
        calibration=None if options.parity_data is None else work / CALIBRATION,
        folder=work,
    )
    what = f"building {card.id}"
    built = run_isolated(jobs.build, request, options.timeout_s, what, more_time=MORE_TIME, imports=NETWORK)
    provenance = built.provenance
    if options.weights == "pretrained":
        provenance = provenance.model_copy(update={"kind": "pretrained"})
    return Prepared(
        card=built.card,
        options=options,
        work=work,
        provenance=provenance,
        classes=built.classes,
        params=built.params,
        macs=built.macs,
        layers=built.layers,
        calibration=images.source,
        parity_data=images.parity_source,
        parity_pixels=images.parity_pixels,
        reference=np.load(work / "reference.npy"),
        ranges=built.ranges,
    )
