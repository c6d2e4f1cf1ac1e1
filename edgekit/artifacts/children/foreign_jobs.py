"""The functions that look into foreign files in child processes; they need no PyTorch."""

from __future__ import annotations

from ...base.processes.isolate import quick_imports
from ..requests import Examined, ExamineRequest, ExternalFiles, ExternalRequest


def external_files(request: ExternalRequest) -> ExternalFiles:
    """Names of the files that hold an ONNX file's weights; see :func:`edgekit.verify.foreign.external_files`."""
    with quick_imports():
        from ...verify import foreign
    return ExternalFiles(names=foreign.external_files(request.model_file))


def examine(request: ExamineRequest) -> Examined:
    """Look into a file that edgekit did not export; see :func:`edgekit.verify.foreign.examine`."""
    with quick_imports():
        from ...verify import foreign
    audit, precision, macs, parameters = foreign.examine(
        request.facts, request.model_file, request.format, request.shapes
    )
    return Examined(audit=audit, precision=precision, macs=macs, parameters=parameters)
