"""The functions that run a user's own network, all in child processes: trace it, compute the reference, convert it."""

from __future__ import annotations

from ...base.processes.isolate import quick_imports
from ...convert.any.job import AnyConverted
from ...types import NetworkFacts
from ..own.requests import FactsRequest, OwnConvertRequest, ReferenceMade, ReferenceRequest, Traced, TraceRequest


def trace(request: TraceRequest) -> Traced:
    """Build and trace a network; see :func:`edgekit.artifacts.children.own_network.trace`."""
    with quick_imports():
        from . import own_network
    return own_network.trace(request)


def facts(request: FactsRequest) -> NetworkFacts:
    """What a network's operations move; see :func:`edgekit.artifacts.children.own_network.facts`."""
    with quick_imports():
        from . import own_network
    return own_network.facts(request)


def reference(request: ReferenceRequest) -> ReferenceMade:
    """Run a traced network; see :func:`edgekit.artifacts.children.own_network.reference`."""
    with quick_imports():
        from . import own_network
    return own_network.reference(request)


def convert(request: OwnConvertRequest) -> AnyConverted:
    """Convert a traced network; see :func:`edgekit.artifacts.children.own_network.convert`."""
    with quick_imports():
        from . import own_network
    return own_network.convert(request)
