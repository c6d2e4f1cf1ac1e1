"""The gate's limits on the candidate's file, and a note when the file holds another network."""

from __future__ import annotations

from dataclasses import dataclass

from ..types import Artifact, TensorSpec


@dataclass(frozen=True)
class FileLimits:
    """Limits of ``gate.toml`` that need no measurement; None where nothing is limited.

    Attributes:
        max_size_mb: of the candidate's model files, in decimal MB.
        max_size_growth: over the baseline's size, as a share.
        min_delegated: share of the operators that the delegate took when the candidate was exported.
    """

    max_size_mb: float | None = None
    max_size_growth: float | None = None
    min_delegated: float | None = None


def broken_limits(candidate: Artifact, before: int, limits: FileLimits) -> list[str]:
    """The limits that the candidate does not keep, each with the figures; ``before`` is the baseline's size, bytes."""
    found = []
    size = candidate.size_bytes
    if limits.max_size_mb is not None and size > limits.max_size_mb * 1e6:
        found.append(f"it has {size / 1e6:.2f} MB, and max_size_mb is {limits.max_size_mb:g}")
    if limits.max_size_growth is not None and size > before * (1 + limits.max_size_growth):
        grown = f"it grew from {before / 1e6:.2f} to {size / 1e6:.2f} MB"
        found.append(f"{grown}, and max_size_growth is {limits.max_size_growth:.1%}")
    share = candidate.audit.delegated_share
    if limits.min_delegated is not None and share is not None and share < limits.min_delegated:
        left = ", ".join(f"{count} {kind}" for kind, count in candidate.audit.undelegated.items())
        found.append(
            f"{candidate.audit.delegate} takes {share:.1%} of its operators, and min_delegated is "
            f"{limits.min_delegated:.1%}; left out: {left or 'not told'}"
        )
    return found


def another_network(candidate: Artifact, baseline: Artifact) -> list[str]:
    """That the candidate takes another input or computes another number of products; a latency that changed by it is no
    regression of the code.
    """
    found = []
    inputs = tuple(", ".join(map(shape_of, one.inputs)) for one in (baseline, candidate))
    if inputs[0] != inputs[1]:
        found.append(f"the input changed: {inputs[0]} in the baseline, {inputs[1]} in the candidate")
    if baseline.macs and candidate.macs and baseline.macs != candidate.macs:
        counts = f"{baseline.macs / 1e6:.1f} M in the baseline, {candidate.macs / 1e6:.1f} M in the candidate"
        found.append(f"the MACs changed: {counts}")
    return found


def shape_of(spec: TensorSpec) -> str:
    """``float32 1x3x224x224``."""
    return f"{spec.dtype} {'x'.join(map(str, spec.shape))}"
