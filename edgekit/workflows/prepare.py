"""What all artifacts of one model share: images, network, weights, float reference. Made once, in a child process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..isolate import run_isolated
from ..pixels import Pixels, load_pixels
from ..types import ImageSet, LayerLoad, ModelCard, WeightsProvenance

CHILD = "edgekit.workflows.convert"


@dataclass(frozen=True)
class ExportOptions:
    """What the command line asks for, apart from models and profiles.

    Attributes:
        weights: ``random``, ``pretrained`` or a checkpoint path.
        calibration: folder, ``.npz``, ``synthetic`` or None for the bundled photos.
        parity_data: images to verify on; the calibration images when None.
        out: artifacts go to ``out/<model>/<profile>/``.
        timeout_s: limit of each conversion.
        sources: files that cards and profiles were read from, by id and by name; those of the catalog are left out.
    """

    weights: str = "random"
    num_classes: int | None = None
    calibration: str | None = None
    parity_data: str | None = None
    out: Path = Path("artifacts")
    timeout_s: float = 900.0
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """What all profiles of one model share; the files live in ``work``."""

    card: ModelCard
    options: ExportOptions
    work: Path
    provenance: WeightsProvenance
    params: int
    macs: int
    layers: tuple[LayerLoad, ...]
    calibration: ImageSet
    parity_data: ImageSet
    parity_pixels: Pixels
    reference: np.ndarray[Any, Any]


def prepare(card: ModelCard, checkpoint: Path | None, options: ExportOptions, work: Path) -> Prepared:
    """Load the images, build the network in a child process and compute the reference outputs."""
    pixels, calibration = load_pixels(options.calibration, card.preprocessing)
    parity_pixels, parity_data = pixels, calibration
    if options.parity_data is not None:
        parity_pixels, parity_data = load_pixels(options.parity_data, card.preprocessing)
    np.save(work / "calibration.npy", pixels)
    np.save(work / "parity.npy", parity_pixels)
    answer = run_isolated(
        f"{CHILD}:prepare",
        {
            "card": card.to_plain(),
            "weights": None if checkpoint is None else str(checkpoint.resolve()),
            "num_classes": options.num_classes,
            "pixels": str(work / "parity.npy"),
            "folder": str(work),
        },
        options.timeout_s,
        f"building {card.id}",
    )
    provenance = WeightsProvenance.from_plain(answer["provenance"])
    if options.weights == "pretrained":
        provenance = provenance.model_copy(update={"kind": "pretrained"})
    return Prepared(
        card=card,
        options=options,
        work=work,
        provenance=provenance,
        params=answer["params"],
        macs=answer["macs"],
        layers=tuple(LayerLoad(name=name, macs=macs, elements=size) for name, macs, size in answer["layers"]),
        calibration=calibration,
        parity_data=parity_data,
        parity_pixels=parity_pixels,
        reference=np.load(work / "reference.npy"),
    )
