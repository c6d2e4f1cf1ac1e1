"""The roofline: the least time that a machine needs for a network's layers, and its share of the measured time.

``T >= sum over layers of max(MACs / P, bytes / BW)``. P in float32 and BW are measured on the machine (the agent's
``roofline``). P in int8 is the measured float32 peak times what the instruction set promises: no general int8 product
is as fast as the runtimes' own kernels, and not every machine lets its clock be read. BW depends on the footprint: a
layer that fits a cache is given that cache's bandwidth, so that the bound stays a bound.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..base.target import HALF_FLAGS
from ..types import Bandwidth, Ceilings, LayerLoad, Precision, Roofline
from ..types.answers import RooflineAnswer

NOMINAL: tuple[tuple[str, str, float, float], ...] = (
    # flag, name, fp32 and int8 MACs a cycle and core; the first flag that a CPU has counts
    ("avx512_vnni", "AVX-512 VNNI", 32, 128),
    ("avx_vnni", "AVX-VNNI", 16, 64),
    ("avx2", "AVX2", 16, 64 / 3),
    ("asimddp", "ARMv8.2 dot product", 8, 32),
    ("asimd", "ARMv8.0 NEON", 4, 8),
)
"""Cores with half or twice the units (Zen 4's AVX-512: 16 and 64) keep the ratio, which alone is used."""

ELEMENT_BYTES: dict[Precision, int] = {"fp32": 4, "fp16": 2, "int8": 1}


def ceilings(answer: RooflineAnswer) -> Ceilings:
    """The ceilings of a machine from the agent's ``roofline`` on it.

    The machine's instruction set gives the ratio of its int8 peak to its float32 peak.
    """
    peak, info = answer.fp32_macs_per_s, answer.info
    rows = [Bandwidth(footprint_bytes=row.footprint_bytes, bytes_per_s=row.bytes_per_s) for row in answer.bandwidth]
    measured = f"measured: float32 matrix product with {answer.blas}"
    macs: dict[Precision, float] = {"fp32": peak, "fp16": peak}
    sources: dict[Precision, str] = {"fp32": measured, "fp16": f"{measured}; float16 is computed in float32"}
    half = sorted(HALF_FLAGS & set(info.isa))
    if half:
        macs["fp16"], sources["fp16"] = 2 * peak, f"nominal: twice the measured float32 peak ({half[0]})"
    known = next((row for row in NOMINAL if row[0] in info.isa), None)
    if known is not None:
        ratio = known[3] / known[2]
        macs["int8"] = peak * ratio
        sources["int8"] = f"nominal: {ratio:.2f} times the measured float32 peak ({known[1]})"
    return Ceilings(
        threads=answer.threads,
        macs_per_s=macs,
        sources=sources,
        bandwidth=tuple(sorted(rows, key=lambda row: row.footprint_bytes)),
    )


def roofline(layers: Sequence[LayerLoad], precision: Precision, limits: Ceilings, latency_ns: float) -> Roofline | None:
    """The network's bound and the measured latency beside it; None when the peak at that precision is not known.

    Args:
        layers: every convolution and linear layer; batch norm is folded away before it runs.
        precision: of weights and activations.
        limits: of the machine, with as many threads as the measurement had.
        latency_ns: measured.

    Raises:
        ValueError: no layer costs anything, or the latency is not positive.
    """
    peak = limits.macs_per_s.get(precision)
    if peak is None:
        return None
    work = [layer for layer in layers if layer.macs or layer.elements]
    if not work or latency_ns <= 0:
        raise ValueError(f"{len(work)} layers with work and a latency of {latency_ns} ns have no roofline")
    bound = in_memory = compute = 0.0
    moved = 0
    for layer in work:
        size = layer.elements * ELEMENT_BYTES[precision]
        arithmetic = layer.macs / peak * 1e9
        transfer = size / bandwidth_at(limits.bandwidth, size) * 1e9
        moved += size
        compute += arithmetic
        bound += max(arithmetic, transfer)
        in_memory += transfer if transfer > arithmetic else 0.0
    return Roofline(
        precision=precision,
        macs=sum(layer.macs for layer in work),
        bytes_moved=moved,
        compute_ns=compute,
        bound_ns=bound,
        memory_share=in_memory / bound,
        latency_ns=latency_ns,
    )


def bandwidth_at(rows: Sequence[Bandwidth], size: int) -> float:
    """Bytes a second at the smallest measured footprint that holds ``size`` bytes, or at the largest one."""
    return next((row.bytes_per_s for row in rows if row.footprint_bytes >= size), rows[-1].bytes_per_s)
