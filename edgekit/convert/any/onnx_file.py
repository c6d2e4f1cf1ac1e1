"""Prepare a foreign ONNX file for the converters: fixed shapes, a new opset, simplified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError
from ...types import ONNX_OPSET
from ..onnx.convert import simplified
from .onnx_branches import without_known_branches
from .onnx_plain import keep_corners, mend_output_shapes, plain_model

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto


WEIGHTS_APART = 4
"""The first version of ONNX's IR in which weights need not stand among the inputs."""
RESHAPES, ALONG_ONE_AXIS = 5, 13
"""The opsets since which Reshape takes its shape as an input, and Hardmax looks along one axis."""
QUANTIZED = {"QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger", "MatMulInteger", "QLinearMatMul"}


def ready_model(
    path: Path, shapes: Mapping[str, Sequence[int]], keep_stored: bool = False
) -> tuple[ModelProto, list[str]]:
    """The model with the given input shapes, simplified, and notes on steps that failed.

    Args:
        path: the file.
        shapes: of the inputs, by name.
        keep_stored: weights that are stored in int8 stay so, and are not written out as floats of four times the size.

    Raises:
        UsageError: it has operators of unknown domains.
    """
    import onnx

    model = plain_model(onnx.load_model(path))
    refuse_strangers(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    for given in list(model.graph.input):  # old exporters list the weights among the inputs
        if given.name in constants:
            model.graph.input.remove(given)
            model.ir_version = max(model.ir_version, WEIGHTS_APART)
    for given in model.graph.input:
        for dim, size in zip(given.type.tensor_type.shape.dim, shapes.get(given.name, ()), strict=False):
            dim.dim_value = size
    del model.graph.value_info[:]
    mend_output_shapes(model)
    model, notes = in_new_opset(model)
    stored = take_stored(model) if keep_stored else []
    model, more = simplified(without_known_branches(model))
    mend_output_shapes(model)  # some are only known now
    put_back(model, stored)
    return model, [*notes, *more]


def refuse_strangers(model: ModelProto) -> None:
    """Make sure that every operator is ONNX's own.

    Raises:
        UsageError: one is of another domain.
    """
    for node in model.graph.node:
        if node.domain in ("", "ai.onnx"):
            continue
        whose, hint = "is not ONNX's own", "export it without"
        if node.domain == "com.microsoft":
            whose = "ONNX Runtime alone has"
            hint = "it is measured as it is: edgekit profile FILE; to convert it, export it without such operators"
            hint += ", and quantize it with quant_format=QuantFormat.QDQ where it is quantized"
        raise UsageError(f"the file has the operator {node.domain}.{node.op_type}, which {whose}", hint)


def take_stored(model: ModelProto) -> list[TensorProto]:
    """Make inputs of the constant 8-bit integers that become floats as the model runs, in place; returns them."""
    from onnx import TensorProto as Kinds
    from onnx import helper

    casts = {node.input[0] for node in model.graph.node if node.op_type in ("Cast", "DequantizeLinear")}
    stored = [
        one for one in model.graph.initializer if one.name in casts and one.data_type in (Kinds.INT8, Kinds.UINT8)
    ]
    for one in stored:
        model.graph.input.append(helper.make_tensor_value_info(one.name, one.data_type, list(one.dims)))
        model.graph.initializer.remove(one)
    return stored


def put_back(model: ModelProto, stored: Sequence[TensorProto]) -> None:
    """Undo :func:`take_stored`, in place."""
    names = {one.name for one in stored}
    for given in [one for one in model.graph.input if one.name in names]:
        model.graph.input.remove(given)
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(one for one in stored if one.name in used)


def in_new_opset(model: ModelProto) -> tuple[ModelProto, list[str]]:
    """The model in the opset that edgekit writes; as it is, with a note, where ONNX cannot bring it there."""
    from onnx import version_converter

    now = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), ONNX_OPSET)
    if now >= ONNX_OPSET:
        return model, []
    if RESHAPES <= now < ALONG_ONE_AXIS:
        model = with_flat_hardmax(model)
    try:
        newer: ModelProto = version_converter.convert_version(model, ONNX_OPSET)
    except Exception as error:  # noqa: BLE001 - the converter raises anything; the old opset is right too
        reason = str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
        return model, [f"kept in opset {now}: {reason}"]
    keep_corners(newer, now)
    return newer, []


def with_flat_hardmax(model: ModelProto) -> ModelProto:
    """A copy in which every Hardmax has two dimensions, as the operator saw its input before opset 13.

    Later it looks along one axis, and ONNX's own converter changes Softmax for that, not Hardmax.
    """
    from onnx import ModelProto, helper

    made = ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:]
    for node in model.graph.node:
        if node.op_type != "Hardmax":
            made.graph.node.append(node)
            continue
        axis = next((one.i for one in node.attribute if one.name == "axis"), 1)
        (given,), (result,) = node.input, node.output
        shape, flat, chosen = (f"{result}_{word}" for word in ("shape", "flat", "chosen"))
        made.graph.node.extend(
            [
                helper.make_node("Shape", [given], [shape]),
                helper.make_node("Flatten", [given], [flat], axis=axis),
                helper.make_node("Hardmax", [flat], [chosen], name=node.name, axis=1),
                helper.make_node("Reshape", [chosen, shape], [result]),
            ]
        )
    return made


def refuse_quantized(model: ModelProto) -> None:
    """Make sure that a model is not quantized already.

    Raises:
        UsageError: it is.
    """
    if any(node.op_type in QUANTIZED for node in model.graph.node):
        raise UsageError("the file is quantized already", "leave --int8 out: its scales are kept")
