"""Where the time goes: operators by family, and the slowest ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...types import OpTime
from ..summary import Row
from ..table import milliseconds
from .svg import band, percent, picture, text
from .words import short

SLOWEST = 12
LANE = 24.0
FAMILIES = {
    "depthwise": r"depthwise|dwconv|groupconv|group_conv",
    "convolution": r"conv(?!ert)",
    "dense": r"gemm|matmul|fully.?connected|innerproduct|\bfc\b|dense",
    "pooling": r"pool|reduce|mean",
    "layout": r"transpose|reshape|reorder|concat|split|slice|pad|shuffle|squeeze|gather|permute|copy|shape",
    "quantization": r"quant|cast|convert|fake",
    "element-wise": r"add|mul|sub|div|relu|sigmoid|swish|clip|clamp|eltwise|elementwise|subgraph|binary|unary|softmax|"
    r"batchnorm|math|min|max|hard|tanh|exp",
}
"""Families of operator types, tried in this order; runtimes name theirs differently. What fits none is ``other``."""
PLATE = '<rect class="plate" x="-15" y="5" width="30" height="14" rx="3"/>'
"""Behind a label, so that it can be read on every pattern."""
NAMES = (*FAMILIES, "other")


@dataclass(frozen=True)
class Segment:
    """A family's part of an inference."""

    family: str
    ns: int
    share: float
    count: int


def family(op: OpTime) -> str:
    """The family of an operator: by its type, and where that says nothing, ``other``."""
    kind = op.type.lower()
    if re.search(r"quantiz", kind) and not re.search(r"conv", kind):
        return "quantization"
    return next((name for name, pattern in FAMILIES.items() if re.search(pattern, kind)), "other")


def segments(operators: Sequence[OpTime]) -> tuple[Segment, ...]:
    """The families in their fixed order, without the empty ones."""
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for op in operators:
        name = family(op)
        times[name] += op.ns
        counts[name] += 1
    total = sum(times.values()) or 1
    return tuple(Segment(name, times[name], times[name] / total, counts[name]) for name in NAMES if counts[name])


def stack(row: Row) -> str:
    """A bar of the operators' summed time, families side by side."""
    operators = row.measurement.per_op or ()
    left, parts = 0.0, []
    found = segments(operators)
    for segment in found:
        width = segment.share
        parts.append(band(f"family {segment.family}", left, left + width, 2, LANE - 4))
        words = f"{segment.share:.0%}"
        if width > 0.05:
            rare = "" if width > 0.12 else " odd"  # left out in a narrow window
            middle = left + width / 2
            parts.append(f'<svg x="{percent(middle)}" y="0" class="open{rare}">{PLATE}</svg>')
            parts.append(text(f"part{rare}", middle, LANE / 2 + 4, words))
        left += width
    said = ", ".join(f"{s.family} {s.share:.0%}" for s in sorted(found, key=lambda s: -s.share))
    total = milliseconds(sum(op.ns for op in operators) / 1e6)
    m = row.measurement
    return picture(LANE, f"Operators of {short(m.model)} {m.profile}", f"{total} ms: {said}", parts, "lane")


def total_ns(row: Row) -> int:
    """Sum of the operators' times."""
    return sum(op.ns for op in row.measurement.per_op or ())


def slowest(operators: Sequence[OpTime]) -> list[tuple[OpTime, str]]:
    """The slowest operators with their share of the sum."""
    total = sum(op.ns for op in operators) or 1
    ordered = sorted(operators, key=lambda op: -op.ns)[:SLOWEST]
    return [(op, f"{op.ns / total:.1%}") for op in ordered]


def by_type(operators: Sequence[OpTime]) -> list[tuple[str, int, int, str]]:
    """Type, count, nanoseconds and share, the most expensive first."""
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter(op.type for op in operators)
    for op in operators:
        times[op.type] += op.ns
    total = sum(times.values()) or 1
    ordered = sorted(times.items(), key=lambda item: (-item[1], item[0]))[:SLOWEST]
    return [(kind, counts[kind], ns, f"{ns / total:.1%}") for kind, ns in ordered]
