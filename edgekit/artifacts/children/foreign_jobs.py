"""The functions that look into foreign files in child processes; they need no PyTorch."""

from __future__ import annotations

from ...base.processes.isolate import quick_imports
from ..requests import (
    Examined,
    ExamineRequest,
    ExternalFiles,
    ExternalRequest,
    FileNodes,
    NamedNode,
    NodesRequest,
    Numbers,
    NumbersRequest,
)


def external_files(request: ExternalRequest) -> ExternalFiles:
    """Names of the files that hold an ONNX file's weights; see :func:`edgekit.verify.foreign.external_files`."""
    with quick_imports():
        from ...verify import foreign
    return ExternalFiles(names=foreign.external_files(request.model_file))


def numbers(request: NumbersRequest) -> Numbers:
    """Make constants of inputs that are one number; see :func:`edgekit.verify.foreign.with_numbers`."""
    with quick_imports():
        from ...verify import foreign
    names, fixed = foreign.with_numbers(request.model_file, request.values, request.made)
    return Numbers(names=names, fixed=fixed)


def examine(request: ExamineRequest) -> Examined:
    """Look into a file that edgekit did not export; see :func:`edgekit.verify.foreign.examine`."""
    with quick_imports():
        from ...verify import foreign
    audit, precision, macs, parameters = foreign.examine(
        request.facts, request.model_file, request.format, request.shapes
    )
    return Examined(audit=audit, precision=precision, macs=macs, parameters=parameters)


def nodes(request: NodesRequest) -> FileNodes:
    """The operators of a file; see :func:`edgekit.verify.foreign.named_nodes`."""
    with quick_imports():
        from ...verify import foreign
    found = foreign.named_nodes(request.facts, request.model_file, request.format, request.shapes)
    return FileNodes(nodes=tuple(NamedNode(name=name, outputs=outputs) for name, outputs in found))
