"""The plain float16 export to TFLite: litert-torch's float32 file, its weights cast by ai-edge-quantizer.

The quantizer has no recipe for it; this is its ``float_casting`` as its code documents it. CPUs compute such a file in
float32: that it may be computed in float16 is said nowhere in it.
"""

from __future__ import annotations

import os
from pathlib import Path

NAME = "model-float16.tflite"


def cast_weights(model_file: Path) -> Path:
    """The float16 file beside a float32 one, made when it is not there."""
    made = model_file.with_name(NAME)
    if made.is_file():
        return made
    from ai_edge_quantizer import qtyping, quantizer

    tool = quantizer.Quantizer(str(model_file))
    half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    tool.update_quantization_recipe(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=half,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_key="float_casting",
    )
    part = made.with_suffix(f".{os.getpid()}.part")
    tool.quantize().export_model(str(part), overwrite=True)
    part.replace(made)
    return made
