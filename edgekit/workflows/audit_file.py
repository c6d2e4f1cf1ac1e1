"""The audit of a converted file, in a child process of its own: JSON in, JSON out, no PyTorch to wait for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..types import ExportProfile, TensorSpec
from ..verify.audit import audit


def audit_file(request: dict[str, Any]) -> dict[str, Any]:
    """Audit ``model_file`` from the runtime's ``facts``; see :func:`edgekit.verify.audit.audit`."""
    inputs, outputs = (tuple(map(TensorSpec.from_plain, request[end])) for end in ("inputs", "outputs"))
    profile = ExportProfile.from_plain(request["profile"])
    kept = frozenset(request["float_nodes"]), request["float_compute"]
    return audit(request["facts"], Path(request["model_file"]), profile, inputs, outputs, *kept).to_plain()
