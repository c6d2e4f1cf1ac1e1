"""A traced network of any kind to TFLite, through litert-torch; images keep PyTorch's layout, NCHW."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ...errors import ToolError
from ..tflite.convert import FILE, to_float16
from ..tflite.ends import name_ends
from ..tflite.ranges import calibrate
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
    """Write ``model.tflite``; its inputs and outputs have the network's names.

    Raises:
        ToolError: the converter or the quantizer failed.
    """
    import litert_torch

    path = job.folder / FILE
    sample = tuple(torch.from_numpy(array[0]) for array in job.sets)
    assert job.program is not None  # an ONNX file is refused before
    litert_torch.convert(job.program.module(), sample).export(str(path))
    inputs, outputs = places(path, job.outputs)  # the quantizer keeps the order, but not always the signature
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
    name_ends(path, placed(job.inputs, inputs), placed(job.outputs, outputs))
    return AnyConverted(files=(FILE,), inputs=inputs, outputs=outputs, quantization=quantization)


def quantize(path: Path, job: AnyJob) -> None:
    """Static int8 in place, with float inputs and outputs."""
    from ai_edge_quantizer import quantizer, recipe
    from ai_edge_quantizer.qtyping import TFLOperationName

    tool = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
    for place in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
        tool.update_quantization_recipe(regex=".*", operation_name=place, algorithm_key="no_quantize")
    for name in readers_of_outputs(path):
        tool.update_quantization_recipe(
            regex=f"^{re.escape(name)};$", operation_name=TFLOperationName.ALL_SUPPORTED, algorithm_key="no_quantize"
        )
    given = taken(path, job.sets)
    rows = [{name: array[number] for name, array in given.items()} for number in range(job.count)]
    settings = job.profile.quantization
    assert settings is not None
    ranges = calibrate(path, rows, settings.model_copy(update={"ranges": "min-max"}), ())
    result = tool.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    path.write_bytes(bytes(result.quantized_model))


def readers_of_outputs(path: Path) -> list[str]:
    """Names of the operators that read an output of the network, such as the state of a recurrent cell.

    The output is float, and the quantizer does not give it a second form in int8: these operators stay in float.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    names = {int(t["index"]): str(t["name"]) for t in interpreter.get_tensor_details()}
    outputs = {int(entry["index"]) for entry in interpreter.get_output_details()}
    operators = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]  # noqa: SLF001 - nothing public
    return [names[int(op["outputs"][0])] for op in operators if outputs & {int(t) for t in op["inputs"]}]


def taken(path: Path, arrays: Sequence[Any]) -> dict[str, Any]:
    """Inputs by the names of the signature, in the types of the file: litert-torch makes 32-bit integers of 64."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    types = {int(entry["index"]): entry["dtype"] for entry in interpreter.get_input_details()}
    ends = interpreter._get_full_signature_list()[KEY]["inputs"]  # noqa: SLF001 - nothing public tells the tensors
    return {name: arrays[place].astype(types[int(ends[name])]) for place, name in enumerate(numbered(ends))}


def places(path: Path, outputs: Sequence[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the network's inputs and outputs are among those of the file, which has an order of its own.

    The signature calls inputs ``args_0``, ``args_1`` ..., and outputs ``output_0`` ... or by the keys of a dict.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    signature = interpreter._get_full_signature_list()[KEY]  # noqa: SLF001 - nothing public tells the tensors
    given = {int(entry["index"]): place for place, entry in enumerate(interpreter.get_input_details())}
    made = {int(entry["index"]): place for place, entry in enumerate(interpreter.get_output_details())}
    names = outputs if set(outputs) == set(signature["outputs"]) else numbered(signature["outputs"])
    return (
        tuple(given[int(signature["inputs"][name])] for name in numbered(signature["inputs"])),
        tuple(made[int(signature["outputs"][name])] for name in names),
    )


def placed(names: Sequence[str], places: Sequence[int]) -> list[str]:
    """The network's names in the order of the file; of outputs that are one tensor, the first's."""
    named = dict(zip(reversed(places), reversed(names), strict=True))
    return [named[place] for place in sorted(named)]


def numbered(ends: Mapping[str, Any]) -> list[str]:
    """Names such as ``args_1`` by their numbers.

    Raises:
        ToolError: one has no number.
    """
    found = {name: re.fullmatch(r"[a-z]+_(\d+)", name) for name in ends}
    strange = [name for name, match in found.items() if match is None]
    if strange:
        raise ToolError(f"litert-torch calls an input or output {strange[0]!r}, whose place edgekit cannot tell")
    return sorted(ends, key=lambda name: int(name.rpartition("_")[2]))
