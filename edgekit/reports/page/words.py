"""Short texts that plots, tables and screen readers share."""

from __future__ import annotations

import shlex

from ...types import Measurement
from ..summary import PUBLISHED, Row
from ..table import interval, megabytes, milliseconds

LONGEST = 34
"""Characters of a name beside a mark; the whole name is in the table."""
RUNTIMES = {"onnxruntime": "ONNX Runtime", "litert": "LiteRT", "openvino": "OpenVINO"}


def short(name: str, most: int = LONGEST) -> str:
    """A name with its middle left out where it is longer than ``most``: both ends tell variants apart."""
    if len(name) <= most:
        return name
    tail = (most - 1) // 3
    return f"{name[: most - 1 - tail]}…{name[-tail:]}"


def plural(count: int, word: str) -> str:
    """The count with its noun."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def conditions_of(m: Measurement) -> str:
    """Threads, the cores that they are pinned to, and accelerator, as a heading."""
    return f"{plural(m.threads, 'thread')}{m.on_cores}, {m.accelerator}"


def again(m: Measurement) -> str:
    """The command that measures the same artifact once more, where it lies in the default folder."""
    words = ["edgekit", "profile", f"artifacts/{m.model}/{m.profile}", "--device", m.device.id]
    words += ["--threads", str(m.threads)]
    words += ["--cores", m.pinned.asked] if m.pinned else []
    words += ["--per-op"] if m.per_op is not None or m.per_op_note else []
    words += ["--roofline"] if m.ceilings is not None else []
    return shlex.join(words)


def tip(row: Row) -> str:
    """What hovering or focusing shows: the figures, and the provenance in short."""
    m = row.measurement
    lines = [
        f"#{row.number} {short(m.model, 60)}, {short(m.profile, 60)}",
        f"p50 {milliseconds(m.p50_ms)} ms, 95 % interval {interval(m)} ms, n = {len(m.samples_ns)}",
        f"p90 {milliseconds(m.p90_ms)} ms, p99 {milliseconds(m.p99_ms)} ms",
        f"{RUNTIMES[m.runtime]} {m.runtime_version}, {conditions_of(m)}, batch {m.batch}",
        f"{megabytes(m.artifact_bytes)}, sha256 {m.artifact_sha256[:12]}…, measured {m.measured_at}",
        f"{m.device.id}: {short(m.info.cpu, 60)}",
        f"verdict {m.verdict.name}, weights {m.weights_kind}",
    ]
    if row.accuracy is not None:
        lines.append(f"top-1 {row.accuracy:g} %, {PUBLISHED} ({row.accuracy_source})")
    return "\n".join(lines)
