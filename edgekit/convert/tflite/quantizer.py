"""The door to litert-quantizer, LiteRT's own quantizer: nothing else of edgekit imports it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NOT_QUANTIZED = "no_quantize"
QUIET = {"enable_progress_bar": False, "enable_progress_report": False}


def float16_weights(path: Path) -> bytes:
    """The file with its weights stored as float16."""
    from litert_quantizer import quantizer, recipe_manager
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.qtyping import (
        ComputePrecision,
        OpQuantizationConfig,
        TensorDataType,
        TensorQuantizationConfig,
        TFLOperationName,
    )

    manager = recipe_manager.RecipeManager()
    manager.add_quantization_config(
        regex=".*",
        operation_name=TFLOperationName.ALL_SUPPORTED,
        op_config=OpQuantizationConfig(
            weight_tensor_config=TensorQuantizationConfig(num_bits=16, dtype=TensorDataType.FLOAT),
            compute_precision=ComputePrecision.FLOAT,
        ),
        algorithm_key=AlgorithmName.FLOAT_CASTING,
    )
    tool = quantizer.Quantizer(str(path), manager.get_quantization_recipe())
    return bytes(tool.quantize(**QUIET).quantized_model)


def dynamic_range(path: Path) -> bytes:
    """The file by the dynamic-range recipe, without the convolutions that the delegate would leave."""
    from litert_quantizer import quantizer, recipe
    from litert_quantizer.qtyping import TFLOperationName

    tool = quantizer.Quantizer(str(path), recipe.dynamic_wi8_afp32())
    tool.update_quantization_recipe(
        regex=".*", operation_name=TFLOperationName.DEPTHWISE_CONV_2D, algorithm_key=NOT_QUANTIZED
    )
    return bytes(tool.quantize(**QUIET).quantized_model)


def static_int8(
    path: Path, ranges: dict[str, Any], float_nodes: Iterable[str], *, float_input: bool, float_output: bool
) -> bytes:
    """The file with int8 activations and weights.

    Args:
        path: the float file.
        ranges: ``min`` and ``max`` of each tensor, arrays of the tensor's rank.
        float_nodes: names of the operators that compute in float.
        float_input: the inputs stay float32; int8 otherwise.
        float_output: likewise the outputs.
    """
    from litert_quantizer import quantizer, recipe
    from litert_quantizer.qtyping import TFLOperationName

    tool = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
    for place, is_float in ((TFLOperationName.INPUT, float_input), (TFLOperationName.OUTPUT, float_output)):
        if is_float:
            tool.update_quantization_recipe(regex=".*", operation_name=place, algorithm_key=NOT_QUANTIZED)
    for name in float_nodes:
        tool.update_quantization_recipe(
            regex=f"^{re.escape(name)};$", operation_name=TFLOperationName.ALL_SUPPORTED, algorithm_key=NOT_QUANTIZED
        )
    return bytes(tool.quantize(ranges, **QUIET).quantized_model)
