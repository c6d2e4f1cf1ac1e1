"""The report as CSV (RFC 4180): a row a measurement, plain numbers, units in the names, empty for unknown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..base.clean import for_csv
from ..base.stats import median_interval
from ..types import Evaluation, Measurement
from .summary import values


@dataclass(frozen=True)
class Line:
    """A row of the file.

    Attributes:
        number: in the order of the report.
        accuracy: published top-1, percent; None when nobody published one.
        source: who published it.
        evaluation: what was evaluated of the artifact.
        measured: the cells that the measurement itself gives, by :func:`measured`.
    """

    number: int
    accuracy: float | None
    source: str
    measured: Mapping[str, str]
    evaluation: Evaluation | None = None


def render_csv(lines: Iterable[Line]) -> str:
    """The whole file, with a heading."""
    stream = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for line in lines:
        if writer is None:
            writer = csv.DictWriter(stream, ["number", *line.measured, *evaluated(None)])
            writer.writeheader()
        published = {"published_top1_percent": text(line.accuracy), "published_by": text(line.source)}
        accuracy = {name: text(value) for name, value in evaluated(line.evaluation).items()}
        writer.writerow({**line.measured, "number": line.number, **published, **accuracy})
    return stream.getvalue()


def evaluated(found: Evaluation | None) -> dict[str, object]:
    """The cells of an evaluation: top-1 in percent, what is lost in points; None is an empty cell."""
    top1, drop = (None, None) if found is None else (found.top1, found.drop)
    return {
        "measured_top1_percent": None if top1 is None else 100 * top1.share,
        "drop_points": None if drop is None else 100 * drop.drop,
        "drop_low_points": None if drop is None else 100 * drop.low,
        "drop_high_points": None if drop is None else 100 * drop.high,
        "evaluated_images": None if found is None else found.images,
        "evaluated_on": None if found is None else found.data,
    }


def measured(m: Measurement) -> dict[str, str]:
    """The cells of a measurement, as they are written; what is published is left empty."""
    return {name: text(value) for name, value in cells(m).items()}


def cells(m: Measurement) -> dict[str, object]:
    """The values of a measurement by column; None is an empty cell."""
    interval = median_interval(m.samples_ns)
    low, high = (None, None) if interval is None else (interval[0] / 1e6, interval[1] / 1e6)
    return {
        "device": m.device.id,
        "model": m.model,
        "profile": m.profile,
        "format": m.format,
        "precision": m.precision,
        "io": m.io,
        "runtime": m.runtime,
        "runtime_version": m.runtime_version,
        "accelerator": m.accelerator,
        "threads": m.threads,
        "batch": m.batch,
        "verdict": m.verdict.name,
        "verdict_reasons": "; ".join(m.verdict.reasons),
        "emulated": m.emulated,
        "p50_ms": m.p50_ms,
        "p50_low_ms": low,
        "p50_high_ms": high,
        "p90_ms": m.p90_ms,
        "p99_ms": m.p99_ms,
        "samples": len(m.samples_ns),
        "rounds": len(m.rounds) if m.rounds else 1,
        "load_ms": m.load_ns / 1e6,
        "first_inference_ms": m.first_inference_ns / 1e6,
        "peak_rss_bytes": m.peak_rss_bytes,
        "pinned_cores": None if m.pinned is None else " ".join(map(str, m.pinned.cpus)),
        "energy_mj": "; ".join(f"{d.domain} {m.millijoules(d):.6g}" for d in m.energy or ()) or None,
        "artifact_bytes": m.artifact_bytes,
        "params": m.params,
        "macs": m.macs,
        "parity_cosine": m.parity_cosine,
        "parity_sqnr_db": m.parity_sqnr_db,
        "device_cosine": m.device_cosine,
        "delegated_share": None if m.delegation is None else m.delegation.share,
        "weights": m.weights_kind,
        "published_top1_percent": None,
        "published_by": None,
        "cpu": m.info.cpu,
        "system": m.info.system,
        "governor": values(m.state_before.governor),
        "temperature_c": hottest(m),
        "load_1m": m.state_before.load_1m,
        "measured_at": m.measured_at,
        "commit": None if m.revision is None else m.revision.commit,
        "dirty": None if m.revision is None else m.revision.dirty,
        "artifact_sha256": m.artifact_sha256,
    }


def hottest(m: Measurement) -> float | None:
    """The hottest sensor at the end."""
    return max(m.state_after.temperature_c.values()) if m.state_after.temperature_c else None


def text(value: object) -> str:
    """A cell: floats with six significant digits, truth values as true and false."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return for_csv(value) if isinstance(value, str) else str(value)
