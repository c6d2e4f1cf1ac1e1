"""Look into a model file that edgekit did not export: what it needs beside it, and what its runtime makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from ..base.inside import inside
from ..errors import UsageError, shown
from ..types import Audit, Format, Precision
from ..types.answers import InspectAnswer
from .audit import FLOAT, INT8, account
from .onnx_file import read_onnx
from .onnx_sound import LARGEST_FILE, check_graph, check_unfolded, read_graph
from .roles import weights
from .work import count_macs, count_parameters


def external_files(path: Path) -> tuple[str, ...]:
    """Names of the files beside an ONNX file that hold its weights, after a look at its graph; none where the package
    onnx is not installed.

    Raises:
        UsageError: one lies outside the file's folder, or the file holds no graph that can be computed.
    """
    if find_spec("onnx") is None:
        return ()
    from onnx.external_data_helper import ExternalDataInfo, _get_all_tensors, uses_external_data

    model = read_graph(path)
    check_unfolded(model, path.name)
    try:
        outside = {t.name: ExternalDataInfo(t) for t in _get_all_tensors(model) if uses_external_data(t)}
    except ValueError as error:  # an offset or a length that is no number
        raise UsageError(
            f"{path.name} says where its external data begins with what is no number: {error}", "export it again"
        ) from error
    names = {info.location for info in outside.values()}
    for name in names:
        inside(path.parent, name, field=f"{path.name}: the location of external data")
    for tensor, info in outside.items():
        # onnx' types know only the value that both begin with.
        file, end = path.parent / info.location, (info.offset or 0) + (info.length or 0)  # type: ignore[redundant-expr]
        if file.is_file() and end > file.stat().st_size:
            raise UsageError(
                f"{path.name}: the tensor {shown(tensor)} ends at byte {end} of {info.location}, which has "
                f"{file.stat().st_size}",
                "was that file copied whole? take it from its source again",
            )
    check_graph(model, path.name)
    return tuple(sorted(names))


def with_numbers(path: Path, values: Mapping[str, int], made: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write a copy of an ONNX file in which inputs that are one number, as a sampling rate is, always have one value.

    Args:
        path: the file; its weights outside are taken in.
        values: by name; those of inputs with dimensions are left alone.
        made: where the copy goes; nothing is written where no value is of such an input.

    Returns:
        The names of all inputs without dimensions, and of those that have a value now. None where the package onnx is
        not installed.
    """
    if find_spec("onnx") is None:
        return (), ()
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    model = read_graph(path)
    constants = {one.name for one in model.graph.initializer}
    bare = [
        one
        for one in model.graph.input
        if one.name not in constants and one.type.tensor_type.HasField("shape") and not one.type.tensor_type.shape.dim
    ]
    fixed = [one for one in bare if one.name in values]
    if not fixed or path.stat().st_size > LARGEST_FILE:
        return tuple(one.name for one in bare), ()
    model = onnx.load_model(path)
    for one in fixed:
        dtype = helper.tensor_dtype_to_np_dtype(one.type.tensor_type.elem_type)
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(values[one.name], dtype), one.name))
        model.graph.input.remove(one)
    onnx.save_model(model, made)
    return tuple(one.name for one in bare), tuple(one.name for one in fixed)


def examine(
    facts: InspectAnswer, model_file: Path, format_: Format, shapes: Mapping[str, Sequence[int]]
) -> tuple[Audit, Precision, int | None, int | None]:
    """What a file holds: the runtime's account, its precision, multiply-accumulates and parameters.

    Args:
        facts: the agent's ``inspect`` of the file.
        model_file: the file that a runtime opens.
        format_: of the file.
        shapes: of the inputs, by name.

    Returns:
        The account; the precision; the counts, None where the file's own operators or shapes are not known.
    """
    if format_ == "onnx" and find_spec("onnx") is not None:
        facts = read_onnx(model_file, shapes).added_to(facts)
    nodes, tensors = facts.nodes, facts.tensors
    found = account(facts)
    if not nodes:
        return found, precision_of(found, [], format_), None, None
    kinds = [t.dtype for t in weights(nodes, tensors)]
    return found, precision_of(found, kinds, format_), count_macs(nodes, tensors), count_parameters(nodes, tensors)


def named_nodes(
    facts: InspectAnswer, model_file: Path, format_: Format, shapes: Mapping[str, Sequence[int]]
) -> list[tuple[str, tuple[str, ...]]]:
    """Name and names of the written tensors of each operator; arguments as of :func:`examine`."""
    if format_ == "onnx" and find_spec("onnx") is not None:
        facts = read_onnx(model_file, shapes).added_to(facts)
    named = {tensor.id: tensor.name for tensor in facts.tensors}
    return [(node.name, tuple(named.get(one, str(one)) for one in node.writes)) for node in facts.nodes]


def precision_of(found: Audit, kinds: Sequence[str], format_: Format) -> Precision:
    """The precision of a file: that of most of its convolutions and matrix products, as executed.

    Args:
        found: the account of the file.
        kinds: types of its weights.
        format_: OpenVINO computes files with int8 weights alone in float; the others find ranges as they run.
    """
    total = found.int8_compute_ops + found.float_compute_ops
    if found.int8_compute_ops * 2 > total:
        return "int8"
    if sum(kind in INT8 for kind in kinds) * 2 > len(kinds):
        return "weight-only" if format_ == "openvino" else "dynamic"
    halves = sum(kind in FLOAT - {"float32"} for kind in kinds)
    return "fp16" if halves * 2 > len(kinds) else "fp32"
