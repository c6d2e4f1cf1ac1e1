"""One cell of the table: a subject in a format and precision, plain and by edgekit, compared in turns."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts.foreign import adopt
from edgekit.artifacts.own.network import OwnOptions
from edgekit.artifacts.own.requests import Sized
from edgekit.base.processes.isolate import run_named
from edgekit.base.progress import silent
from edgekit.base.target import host_target
from edgekit.counting.count import count
from edgekit.counting.emulator import prepare
from edgekit.devices.virtual.simulated import AVX2
from edgekit.errors import EdgekitError
from edgekit.forms.profiles import choose_profiles
from edgekit.types import Format, Stored
from edgekit.verbs.compare import measured_now
from edgekit.verbs.export_own import export_own

from ..exports import child_env
from .subjects import Arrays, Subject

PLAIN_S = 900.0
Cell = dict[str, Any]


def made(subject: Subject, format_: Format, precision: str, pairs: int, folder: Path) -> Cell:
    """What came of both ways, and the ratio of their latencies; a failure is told by its cause.

    Args:
        subject: a network or ONNX file.
        format_: of the export.
        precision: ``fp32`` or ``int8``.
        pairs: of fresh processes.
        folder: takes inputs and artifacts.
    """
    assert subject.inputs is not None
    inputs = folder / f"{subject.name}.npz"
    arrays = subject.inputs()
    np.savez(inputs, **arrays)  # type: ignore[arg-type]
    cell: Cell = {"subject": subject.name, "format": format_, "precision": precision, "load": os.getloadavg()[0]}
    theirs = plain(subject, format_, precision, inputs, arrays, folder, cell)
    ours = edgekit(subject, format_, precision, inputs, arrays, folder, cell)
    if theirs is not None and ours is not None:
        counted(theirs, ours, cell)
        compared(theirs, ours, pairs, cell)
    return cell


def plain(
    subject: Subject, format_: Format, precision: str, inputs: Path, arrays: Arrays, folder: Path, cell: Cell
) -> Stored | None:
    """The plain export, as an artifact that edgekit did not make."""
    if format_ == "tflite" and not subject.factory:
        cell["plain"] = {"none": "no library here turns ONNX into TFLite"}
        return None
    place = folder / f"plain-{subject.name}-{format_}-{precision}"
    place.mkdir(exist_ok=True)
    request = {
        "network": subject.network,
        "inputs": str(inputs),
        "format": format_,
        "precision": precision,
        "reduce": host_target() == "x86-avx2",
        "folder": str(place),
    }
    try:
        answer = run_named(
            "benchmarks.real_files.plain:make", request, PLAIN_S, f"exporting {subject.name} plainly", env=child_env()
        )
        shapes = {name: array.shape[1:] for name, array in arrays.items()}
        stored = adopt(Path(answer["file"]), shapes)
    except EdgekitError as error:
        cell["plain"] = {"error": first_line(error)}
        return None
    cell["plain"] = {"size_bytes": stored.artifact.size_bytes, "transposes": stored.artifact.audit.transposes}
    return stored


def edgekit(
    subject: Subject, format_: Format, precision: str, inputs: Path, arrays: Arrays, folder: Path, cell: Cell
) -> Stored | None:
    """What ``edgekit export`` makes, with its parity."""
    sized = tuple(Sized(name=name, shape=array.shape[1:], dtype=str(array.dtype)) for name, array in arrays.items())
    options = OwnOptions(inputs=sized, calibration=str(inputs), out=folder / "edgekit")
    profiles = choose_profiles(format_, int8=precision == "int8")
    try:
        (outcome,) = export_own(subject.network, profiles, options, [subject.network], silent)
    except EdgekitError as error:
        cell["edgekit"] = {"status": "refused", "error": first_line(error)}
        return None
    cell["edgekit"] = {"status": outcome.status, "seconds": round(outcome.seconds, 1)}
    if outcome.artifact is None or outcome.folder is None:
        cell["edgekit"]["error"] = first_line(outcome.error)
        return None
    artifact = outcome.artifact
    parity, _ = artifact.proof
    cell["edgekit"] |= {
        "sqnr_db": round(parity.sqnr_db, 1),
        "size_bytes": artifact.size_bytes,
        "transposes": artifact.audit.transposes,
        "rewrites": [rewrite.name for rewrite in artifact.rewrites if rewrite.count],
    }
    return Stored(outcome.folder, artifact)


def counted(theirs: Stored, ours: Stored, cell: Cell) -> None:
    """The instructions of one inference of both, in millions: what a busy machine does not change."""
    try:
        board = prepare(AVX2, silent)
        sides = [count(one, board, repeat=False).counts.instructions for one in (theirs, ours)]
    except EdgekitError as error:
        cell["counted"] = {"error": first_line(error)}
        return
    cell["counted"] = dict(zip(("plain", "edgekit"), (round(one / 1e6, 3) for one in sides), strict=True))
    cell["counted"]["ratio"] = round(sides[1] / sides[0], 4)


def compared(theirs: Stored, ours: Stored, pairs: int, cell: Cell) -> None:
    """Edgekit's latency over the plain export's, by turns on one thread."""
    try:
        found = measured_now(theirs, ours, "local", pairs, 1, None, True, False, silent)
    except EdgekitError as error:
        cell["compared"] = {"error": first_line(error)}
        return
    cell["compared"] = {
        "ratio": round(found.ratio.ratio, 4),
        "low": round(found.ratio.low, 4),
        "high": round(found.ratio.high, 4),
        "pairs": found.ratio.pairs,
        "busy": max(found.a.busy, found.b.busy),
        "plain_ms": round(found.a.p50_ms, 4),
        "edgekit_ms": round(found.b.p50_ms, 4),
    }


def looked_into(subject: Subject) -> Cell:
    """A TFLite file as it is: whether its runtime opens it, and in what it computes."""
    cell: Cell = {"subject": subject.name, "format": "tflite", "precision": "as it is", "load": os.getloadavg()[0]}
    assert subject.file is not None
    try:
        stored = adopt(subject.file(), {})
    except EdgekitError as error:
        return {**cell, "edgekit": {"status": "refused", "error": first_line(error)}}
    audit = stored.artifact.audit
    cell["edgekit"] = {
        "status": "opened",
        "computes": stored.artifact.precision,
        "delegated": audit.delegated_share,
        "macs": stored.artifact.macs,
    }
    try:
        found = measured_now(stored, stored, "local", 5, 1, None, False, False, silent)
    except EdgekitError as error:
        return {**cell, "compared": {"error": first_line(error)}}
    return {**cell, "compared": {"edgekit_ms": round(found.a.p50_ms, 4), "busy": found.a.busy}}


def first_line(error: Exception | None) -> str:
    """The cause, without what a library printed below it and without the folders of this run."""
    return re.sub(r"/\S*/(?=[^/\s]+)", "", str(error).splitlines()[0])
