"""int8 with ImageNet weights, plain and edgekit's: MobileNetV2 and SqueezeNet on photos that calibration has not seen.

The benchmark's other artifacts have random weights, which do for latency and say little of accuracy. Both sides
calibrate on the photos that edgekit ships and are compared with the float32 network on twenty others
(:mod:`benchmarks.real_data`), as the runtimes compute here.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgekit.base.files import write_atomic
from edgekit.base.processes.isolate import run_named
from edgekit.base.target import host_target
from edgekit.catalog import find_card, find_profile
from edgekit.errors import EdgekitError
from edgekit.types import Format, ModelCard

from .edgekit_exports import edgekit_key
from .exports import EXPORT_S, FORMATS, child_env, digest
from .plain_exports import make_plain, plain_key
from .real_data import (
    MOBILENET_V2,
    PHOTOS,
    SQUEEZENET,
    labelled_photos,
    mobilenet_v2_checkpoint,
    photo_folder,
    squeezenet_checkpoint,
)

WEIGHTS: dict[str, Callable[[Path], Path]] = {
    "mobilenet_v2_1.0": lambda _: mobilenet_v2_checkpoint(),
    "squeezenet_1.1": lambda folder: squeezenet_checkpoint(folder / "squeezenet.pth"),
}
"""Checkpoints, made in a folder where that is needed."""

Cell = dict[str, Any]


def real_weights(cache: Path) -> dict[str, Any]:
    """A row for each network and format: ``sqnr_db`` and ``agree`` of ``plain`` and ``edgekit``, or their ``error``.

    Kept by content; failures are not. ``photos`` is the number of photos that ``agree`` counts among, ``date`` the day.

    Raises:
        ToolError: weights or photos cannot be fetched.
    """
    keys = [plain_key(find_card(model), format_, "int8") for model in WEIGHTS for format_ in FORMATS]
    words = [*keys, *(edgekit_key(find_card(model)) for model in WEIGHTS), MOBILENET_V2, SQUEEZENET, PHOTOS]
    kept = cache / f"real-weights-{digest([Path(__file__)], words)}.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text()))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as name:
        folder = Path(name)
        photos = photo_folder(folder / "photos")
        for model, checkpoint in WEIGHTS.items():
            card, file = find_card(model), checkpoint(folder)
            ours = edgekit_cells(card, file, photos, folder)
            for format_ in FORMATS:
                theirs = plain_cell(card, format_, file, photos, folder)
                rows.append({"model": model, "format": format_, "plain": theirs, "edgekit": ours[format_]})
    today = datetime.now(UTC).date().isoformat()
    found = {"photos": len(labelled_photos()), "target": host_target(), "date": today, "rows": rows}
    if not any("error" in row[side] for row in rows for side in ("plain", "edgekit")):
        write_atomic(kept, json.dumps(found, indent=1) + "\n")
    return found


def plain_cell(card: ModelCard, format_: Format, weights: Path, photos: Path, folder: Path) -> Cell:
    """The library's own int8 export."""
    place = folder / f"plain-{card.id}-{format_}"
    place.mkdir()
    try:
        facts = make_plain(card, format_, "int8", place, weights=weights, photos=photos)
    except EdgekitError as error:
        return {"error": str(error)}
    return {"sqnr_db": facts["sqnr_db"], "agree": facts["top1_agree"]}


def edgekit_cells(card: ModelCard, weights: Path, photos: Path, folder: Path) -> dict[Format, Cell]:
    """What ``edgekit export --int8`` makes, by format."""
    place = str(folder / "edgekit")
    request = {"model": card.id, "formats": FORMATS, "weights": str(weights), "photos": str(photos), "out": place}
    try:
        answer = run_named(
            "benchmarks.real_weights:export_child",
            request,
            EXPORT_S * len(FORMATS),
            f"exporting {card.id} with its weights",
            env=child_env(),
        )
    except EdgekitError as error:
        return {format_: {"error": str(error)} for format_ in FORMATS}
    return {format_: answer[format_] for format_ in FORMATS}


def export_child(request: dict[str, Any]) -> dict[str, Any]:
    """In a child: edgekit's int8 exports in ``formats``, verified on the photos of ``photos``."""
    from edgekit.artifacts.prepare import ExportOptions
    from edgekit.verbs.export import export

    options = ExportOptions(weights=request["weights"], parity_data=request["photos"], out=Path(request["out"]))
    formats: list[Format] = request["formats"]
    profiles = [find_profile(f"{format_}-int8") for format_ in formats]
    cells: dict[str, Cell] = {}
    for format_, outcome in zip(formats, export([request["model"]], profiles, options, lambda _: None), strict=True):
        if outcome.artifact is None or outcome.status != "converted":
            cells[format_] = {"error": f"{outcome.status}: {outcome.error}"}
        else:
            parity, _ = outcome.artifact.proof
            cells[format_] = {
                "sqnr_db": parity.sqnr_db,
                "agree": parity.top1_agree,
                "profile": outcome.artifact.profile,
            }
    return cells
