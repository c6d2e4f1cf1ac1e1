"""The version of an ONNX file: the opset of its operators, and the IR version that a runtime looks at first.

Both are lowered for old runtimes: ONNX Runtime before 1.18 refuses IR version 10, which PyTorch writes, and before 1.14
opset 18. IR versions 9 and 10 added number types and notes that no artifact needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from onnx import ModelProto


def opset_of(model: ModelProto) -> int:
    """The version of ONNX's own operators in a model."""
    return int(next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")))


def with_opset(model: ModelProto, opset: int) -> ModelProto:
    """The model with the operators of an opset that is no newer than its own.

    Raises:
        UsageError: an operator cannot be written there.
    """
    from onnx import version_converter

    if opset == model.opset_import[0].version:
        return model
    drop_default_noop(model)
    try:
        lowered: ModelProto = version_converter.convert_version(model, opset)
    except RuntimeError as error:
        # What stands before it is where in the converter's source it was found.
        reason = str(error).rpartition("failed: ")[2]
        raise UsageError(
            f"the network cannot be written in ONNX opset {opset}: {reason}",
            "give a newer one, or leave --opset out",
        ) from error
    return lowered


def drop_default_noop(model: ModelProto) -> None:
    """Drop ``noop_with_empty_axes = 0`` from reductions, in place: the converter keeps it where no opset knows it."""
    for node in model.graph.node:
        for attribute in [a for a in node.attribute if a.name == "noop_with_empty_axes" and a.i == 0]:
            node.attribute.remove(attribute)
