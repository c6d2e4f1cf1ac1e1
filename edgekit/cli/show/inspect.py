"""What ``edgekit inspect`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...base.files import check_place, check_writable, write_atomic
from ...errors import ToolError
from ...reports.inspected.node_data import latency_data, node_data, sqnr_data
from ...reports.inspected.page import inspect_page
from ...reports.inspected.trace import chrome_trace
from ...types import Artifact, Audit, OpTime
from ...verbs.inspect import Inspected, Operators, layers_of, timed
from .export import text_of

COMPUTE = "convolutions and matrix products"
UNVERIFIED = "unverified: edgekit did not export this file"


def inspect_lines(found: Inspected) -> list[str]:
    """The file, its ends, its precision, and its operators as a table."""
    artifact = found.stored.artifact
    lines = [f"{artifact.model} {artifact.profile}"]
    lines += [f"  {name:<11}{value}" for name, value in facts(artifact) if value]
    rows = [("operator", "reads", "writes", "count", "delegated"), *map(cells_of, found.operators)]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    return [*lines, "", *(line(cells, widths) for cells in rows)]


def write_pages(found: Inspected, page: Path | None, trace: Path | None, data: Path | None) -> list[str]:
    """Write what was asked for, from times that are taken now; what was written, in words.

    Raises:
        ToolError: the runtime fails, jinja2 is missing, or a file cannot be written.
    """
    artifact = found.stored.artifact
    title = f"{artifact.model} {artifact.profile}"
    for path, option in ((page, "--page"), (trace, "--trace")):
        if path is not None:
            check_place(path, option)
    if data is not None:
        check_writable(data, "--node-data")
    taken = timed(found.stored)
    times, runtime = taken.per_op or (), f"{artifact.runtime}, one thread"
    note = taken.note or f"Typical times by {artifact.runtime}'s own profiler, on this machine, with one thread."
    said = []
    if page is not None:
        rows = [cells_of(row) for row in found.operators]
        write_atomic(page, inspect_page(title, facts(artifact), rows, times, note), "--page")
        said.append(f"page: {page}")
    if trace is not None:
        if not times:
            raise ToolError(f"there is no trace of {title}: {taken.note}", "leave --trace out")
        write_atomic(trace, chrome_trace(title, runtime, times), "--trace")
        said.append(f"trace: {trace} (open it at ui.perfetto.dev or chrome://tracing)")
    if data is not None:
        said += write_node_data(found, times, data)
    return said


def write_node_data(found: Inspected, times: Sequence[OpTime], folder: Path) -> list[str]:
    """A file of times and one of SQNR, where there are any; what was written, and why not, in words."""
    said = []
    latency, layers = latency_data(found.nodes, times), layers_of(found.stored)
    if latency:
        write_atomic(folder / "latency.json", node_data("latency, ms", latency, worst_is_high=True))
        said.append(f"node data: {folder / 'latency.json'}, {len(latency)} of {len(found.nodes)} operators")
    else:
        said.append("no node data of latency: the runtime tells no times by the names of the file's operators")
    if layers is not None:
        sqnr = sqnr_data(layers)
        write_atomic(folder / "sqnr.json", node_data("SQNR, dB", sqnr, worst_is_high=False))
        said.append(f"node data: {folder / 'sqnr.json'}, {len(sqnr)} of {len(layers.layers)} layers")
    return said


def cells_of(row: Operators) -> tuple[str, ...]:
    """A row of the table."""
    delegated = "" if row.delegated is None else str(row.delegated)
    return row.type, row.reads, row.writes, str(row.count), delegated


def facts(artifact: Artifact) -> list[tuple[str, str]]:
    """What is known of the file, as names and values; a value that is not known is empty."""
    audit, parity = artifact.audit, artifact.parity
    total = audit.int8_compute_ops + audit.float_compute_ops
    counts = []
    if artifact.params is not None:
        counts.append(f"{artifact.params:,} parameters")
    if artifact.macs is not None:
        counts.append(f"{artifact.macs:,} MACs (1 MAC = 2 FLOPs)")
    return [
        ("file", f"{artifact.origin or artifact.model_file}, {artifact.size_bytes / 1e6:.2f} MB, {artifact.runtime}"),
        ("sha256", artifact.sha256),
        ("parity", UNVERIFIED if parity is None else f"SQNR {parity.sqnr_db:.1f} dB on {parity.images} images"),
        *(("input", f"{spec.name}  {text_of(spec)}") for spec in artifact.inputs),
        *(("output", f"{spec.name}  {text_of(spec)}") for spec in artifact.outputs),
        ("network", ", ".join(counts)),
        ("precision", f"{artifact.precision}: {audit.int8_compute_ops} of {total} {COMPUTE} execute in int8"),
        ("delegate", delegate(audit)),
        ("layout", layout(audit)),
    ]


def delegate(audit: Audit) -> str:
    """What the delegate takes, and what it leaves; empty without one."""
    if audit.delegated_share is None:
        return ""
    left = ", ".join(f"{count} {kind}" for kind, count in audit.undelegated.items())
    said = f"{audit.delegate} takes {audit.delegated_share:.0%} of the operators in {audit.delegate_partitions} part(s)"
    return f"{said}; left: {left}" if left else said


def layout(audit: Audit) -> str:
    """Operators that only change the layout or the type of data."""
    said = [f"{audit.transposes} transposes"]
    if audit.reorders:
        said.append(f"{audit.reorders} reorders by the runtime")
    if audit.quantize_ops or audit.dequantize_ops:
        said.append(f"{audit.quantize_ops} quantize and {audit.dequantize_ops} dequantize operators")
    return ", ".join(said)


def line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, counts to the right."""
    words = [cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
    return "  ".join([*words, *numbers]).rstrip()
