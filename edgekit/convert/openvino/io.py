"""Give an int8 OpenVINO model an integer input and output: affine conversions at its two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...types import QuantParams
from ..job import INPUT_NAME, OUTPUT_NAME, Job, affine_range

if TYPE_CHECKING:
    from openvino import Model


def set_input_type(model: Model, job: Job) -> QuantParams | None:
    """Make the input the job's type in place; its quantization, or None for float32."""
    import openvino
    from openvino import opset13 as ops

    dtype = job.input_dtype
    if dtype == "float32":
        return None
    params = QuantParams(scale=1.0, zero_point=0)
    if not job.profile.bake_preprocess:
        params = affine_range(float(job.inputs.min()), float(job.inputs.max()), dtype)
    old = model.get_parameters()[0]
    new = ops.parameter(old.get_partial_shape(), openvino.Type(np.dtype(dtype)), name=INPUT_NAME)
    new.output(0).tensor.set_names({INPUT_NAME})
    real = ops.convert(new, "f32")
    if not job.profile.bake_preprocess:
        centred = ops.subtract(real, np.float32(params.zero_point))
        real = ops.multiply(centred, np.float32(params.scale))
    old.output(0).tensor.set_names(set())
    for target in old.output(0).get_target_inputs():
        target.replace_source_output(real.output(0))
    model.replace_parameter(0, new)
    model.validate_nodes_and_infer_types()
    return params


def set_output_type(model: Model, dtype: str, scores: tuple[float, float]) -> QuantParams | None:
    """Make the output ``dtype`` in place, covering the range ``scores``; its quantization, or None for float32."""
    import openvino
    from openvino import opset13 as ops

    if dtype == "float32":
        return None
    params = affine_range(*scores, dtype)
    limits = np.iinfo(dtype)
    result = model.get_results()[0]
    real = result.input(0).get_source_output()
    real.tensor.set_names(set())
    steps = ops.round(ops.divide(real, np.float32(params.scale)), "half_to_even")
    stored = ops.clamp(ops.add(steps, np.float32(params.zero_point)), float(limits.min), float(limits.max))
    integer = ops.convert(stored, openvino.Type(np.dtype(dtype)).to_string())
    integer.output(0).tensor.set_names({OUTPUT_NAME})
    result.input(0).replace_source_output(integer.output(0))
    model.validate_nodes_and_infer_types()
    return params
