"""Look into a model file that edgekit did not export: what it needs beside it, and what its runtime makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from ..base.inside import inside
from ..errors import UsageError
from ..types import Audit, Format, Precision
from ..types.answers import InspectAnswer
from .audit import FLOAT, INT8, account
from .onnx_file import read_onnx
from .roles import weights
from .work import count_macs, count_parameters


def external_files(path: Path) -> tuple[str, ...]:
    """Names of the files beside an ONNX file that hold its weights; none where the package onnx is not installed.

    Raises:
        UsageError: one lies outside the file's folder, or the file is damaged.
    """
    if find_spec("onnx") is None:
        return ()
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from onnx.external_data_helper import ExternalDataInfo, _get_all_tensors, uses_external_data

    try:
        model = onnx.load_model(path, load_external_data=False)
        names = {ExternalDataInfo(t).location for t in _get_all_tensors(model) if uses_external_data(t)}
    except (DecodeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{path} is not a whole ONNX file: {error}", "compare its size with the source's, or export it again"
        ) from error
    for name in names:
        inside(path.parent, name, field=f"{path.name}: the location of external data")
    return tuple(sorted(names))


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
