"""A traced network of any kind to TFLite, through litert-torch; images keep PyTorch's layout, NCHW."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from ...errors import ToolError
from ..tflite.convert import FILE, to_float16
from .job import AnyConverted, AnyJob

INT8: dict[str, str | bool] = {
    "scheme": "full-integer",
    "form": "int8 operators",
    "weights": "int8 symmetric per-channel",
    "activations": "int8 asymmetric per-tensor",
    "ranges": "min-max",
}
KEY = "serving_default"


def convert(job: AnyJob) -> AnyConverted:
    """Write ``model.tflite``; its inputs and outputs have the names that litert-torch gives.

    Raises:
        ToolError: the converter or the quantizer failed.
    """
    import litert_torch

    path = job.folder / FILE
    sample = tuple(torch.from_numpy(array[0]) for array in job.sets)
    litert_torch.convert(job.program.module(), sample).export(str(path))
    quantization = None
    if job.profile.precision == "fp16":
        to_float16(path)
    if job.profile.precision == "dynamic":
        from ..dynamic import TFLITE, dynamic_tflite

        dynamic_tflite(path)
        quantization = TFLITE
    if job.profile.precision == "int8":
        quantize(path, job)
        quantization = INT8
    inputs, outputs = places(path)
    return AnyConverted(files=(FILE,), inputs=inputs, outputs=outputs, quantization=quantization)


def quantize(path: Path, job: AnyJob) -> None:
    """Static int8 in place, with float inputs and outputs."""
    from ai_edge_quantizer import quantizer, recipe
    from ai_edge_quantizer.qtyping import TFLOperationName

    tool = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
    for place in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
        tool.update_quantization_recipe(regex=".*", operation_name=place, algorithm_key="no_quantize")
    rows = [{f"args_{place}": array[number] for place, array in enumerate(job.sets)} for number in range(job.count)]
    ranges = tool.calibrate({KEY: rows})
    result = tool.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    path.write_bytes(bytes(result.quantized_model))


def places(path: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the network's inputs and outputs are among those of the file, which has an order of its own."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    signature = interpreter._get_full_signature_list()[KEY]  # noqa: SLF001 - nothing public tells the tensors
    found = []
    for ends, details in (
        (signature["inputs"], interpreter.get_input_details()),
        (signature["outputs"], interpreter.get_output_details()),
    ):
        order = {int(entry["index"]): place for place, entry in enumerate(details)}
        numbered = sorted(ends.items(), key=number_of)
        found.append(tuple(order[int(tensor)] for _, tensor in numbered))
    return found[0], found[1]


def number_of(end: tuple[str, Any]) -> int:
    """The number in ``args_1`` or ``output_1``.

    Raises:
        ToolError: it has another name.
    """
    match = re.fullmatch(r"[a-z]+_(\d+)", end[0])
    if match is None:
        raise ToolError(f"litert-torch calls an input or output {end[0]!r}, whose place edgekit cannot tell")
    return int(match[1])
