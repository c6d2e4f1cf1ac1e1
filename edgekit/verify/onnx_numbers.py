"""Inputs of an ONNX file that are one number, without dimensions, such as a sampling rate: made constants of it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from .onnx_sound import LARGEST_FILE, read_graph


def with_numbers(path: Path, values: Mapping[str, int], made: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write a copy of a file in which inputs without dimensions always have one value, where there are such.

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
