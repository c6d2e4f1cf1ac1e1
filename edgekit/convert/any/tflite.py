"""A traced network of any kind to TFLite, through litert-torch; images keep PyTorch's layout, NCHW."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import ToolError, UsageError
from ..dynamic import TFLITE
from ..tflite.convert import FILE
from ..tflite.ends import name_ends
from ..tflite.quantizer import dynamic_range, float16_weights
from ..tflite.same_pools import pad_by_the_pool
from .fallback import near_enough
from .job import AnyConverted, AnyJob, ranges_words
from .operators.plain_operators import with_plain_operators
from .operators.worded_padding import with_numbers
from .tflite_int8 import TfliteKit

INT8: dict[str, str | bool] = {
    "scheme": "full-integer",
    "form": "int8 operators",
    "weights": "int8 symmetric per-channel",
    "activations": "int8 asymmetric per-tensor",
    "ranges": "min-max",
}
KEY = "serving_default"
ODD = {torch.float16, torch.bfloat16, torch.float64}


def convert(job: AnyJob) -> AnyConverted:
    """Write ``model.tflite``; its inputs and outputs have the network's names.

    Raises:
        UsageError: the network computes in a type that TFLite has no operators for.
        ToolError: the converter or the quantizer failed.
    """
    import litert_torch

    path = job.folder / FILE
    sample = tuple(torch.from_numpy(np.asarray(array[0])) for array in job.sets)
    assert job.program is not None  # an ONNX file comes as a program
    refuse_types(job)
    program = with_plain_operators(with_numbers(job.program.module()), int8=job.profile.precision == "int8")
    litert_torch.convert(program, sample).export(str(path))
    pad_by_the_pool(path)
    inputs, outputs = places(path, job.outputs)  # the quantizer keeps the order, but not always the signature
    quantization = None
    if job.profile.precision == "fp16":
        path.write_bytes(float16_weights(path))
    if job.profile.precision == "dynamic":
        path.write_bytes(dynamic_range(path))
        quantization = TFLITE
    float_nodes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    if job.profile.precision == "int8":
        kit = TfliteKit(path, job, inputs)
        file, float_nodes, notes = near_enough(kit, job)
        file.replace(path)
        float_nodes, notes = float_nodes | kit.slow | kit.tabled, (*notes, *kit.note())
        quantization = ranges_words(INT8, kit.outliers)
    name_ends(path, placed(job.inputs, inputs), placed(job.outputs, outputs))
    return AnyConverted(
        files=(FILE,),
        inputs=inputs,
        outputs=outputs,
        quantization=quantization,
        notes=notes,
        float_nodes=tuple(sorted(float_nodes)),
    )


def refuse_types(job: AnyJob) -> None:
    """Make sure that a program computes in a type that TFLite has operators for.

    Raises:
        UsageError: its inputs or weights are float16, bfloat16 or float64.
    """
    assert job.program is not None
    weights = {one.dtype for one in job.program.state_dict.values() if one.is_floating_point()}
    given = {torch.from_numpy(array[:1]).dtype for array in job.sets}
    odd = sorted(str(one).removeprefix("torch.") for one in weights | given if one in ODD)
    if odd:
        raise UsageError(
            f"the network computes in {odd[0]}, and TFLite's operators in float32",
            "build it with .float(), and give float32 inputs; --fp16 stores the weights in float16",
        )


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
