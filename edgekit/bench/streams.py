"""Inferences a second of several streams at once, from what the agent tells of them."""

from __future__ import annotations

from ..types import Throughput
from ..types.answers import ThroughputAnswer

STREAMS_S = 3.0
"""How long streams work, at least."""


def rate_of(told: ThroughputAnswer, streams: int, threads: int) -> Throughput:
    """The rate of so many streams, each computing with ``threads`` threads."""
    ordered = sorted(told.samples_ns)
    return Throughput(
        streams=streams,
        threads=threads,
        cpus=told.cpus,
        window_s=told.window_s,
        counts=told.counts,
        busy_p50_ns=ordered[len(ordered) // 2],
        busy_p90_ns=ordered[len(ordered) * 9 // 10],
        settings=told.settings,
    )
