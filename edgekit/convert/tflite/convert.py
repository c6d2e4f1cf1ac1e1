"""PyTorch to TFLite, directly or through litert-torch (NHWC input); float16 and int8 through ai-edge-quantizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import UsageError
from ...types import QuantParams, TensorSpec
from ..dynamic import TFLITE
from ..int8.float_layers import layers_in
from ..int8.weight_rounding import COMPENSATED
from ..job import INPUT_NAME, OUTPUT_NAME, Converted, Job, describe, input_spec
from .concat import narrow_concats
from .ends import name_ends
from .graph import SIGNATURE
from .lowering import write_tflite
from .quantizer import dynamic_range, float16_weights, static_int8
from .writer import NotWritable

FILE = "model.tflite"


def convert_litert(job: Job) -> Converted:
    """Write ``model.tflite`` with an NHWC input.

    Raises:
        ToolError: the converter or the quantizer failed.
    """
    path = job.folder / FILE
    notes = write_float(job, path)
    narrow_concats(path)
    float_nodes: tuple[str, ...] = ()
    quantization: dict[str, str | bool] | None = None
    if job.profile.precision == "fp16":
        path.write_bytes(float16_weights(path))
        notes += ("weights are stored as float16",)
    if job.profile.precision == "dynamic":
        path.write_bytes(dynamic_range(path))
        quantization = TFLITE
        notes += ("depthwise convolutions stay in float: XNNPACK takes none with int8 weights",)
    if job.profile.precision == "int8":
        float_nodes = nodes_of(path, job)
        quantize(path, job, float_nodes)
        quantization = describe(job.quantization, "int8 operators", "int8", reduce_range=False)
        if job.quantization.rounding == "compensated":
            quantization["weights"] = f"{quantization['weights']}, {COMPENSATED}"
    renamed = name_ends(path, (INPUT_NAME,), (OUTPUT_NAME,))
    float_nodes = tuple(renamed.get(name, name) for name in float_nodes)
    given, made = interface(path)
    return Converted(
        files=(FILE,),
        inputs=(input_spec(job, given["name"], "NHWC", given["params"]),),
        outputs=(
            TensorSpec(
                name=made["name"],
                shape=made["shape"],
                layout="NC",
                dtype=made["dtype"],
                quantization=made["params"],
            ),
        ),
        quantization=quantization,
        notes=notes,
        float_nodes=float_nodes,
    )


def write_float(job: Job, path: Path) -> tuple[str, ...]:
    """Write the float network, directly where every operator is known, else through litert-torch; returns notes.

    A profile without rewrites is litert-torch's own export, unless layers are to stay in float: litert-torch names an
    operator after others too, those whose constants it shares, so that its layer cannot be told.

    Raises:
        UsageError: layers are to stay in float, and the network cannot be written directly.
    """
    notes: tuple[str, ...] = ()
    if job.profile.rewrites or job.float_layers:
        try:
            path.write_bytes(write_tflite(job.network, job.sample.shape, job.sample.dtype.name))
            return notes
        except NotWritable as reason:
            if job.float_layers:
                raise UsageError(
                    f"keep_float: the TFLite operators of a layer cannot be told, because the network holds {reason}, "
                    "which only litert-torch converts",
                    'add "fold_batch_norm" to the profile\'s rewrites, or leave keep_float out',
                ) from reason
            notes = (f"converted by litert-torch, because edgekit's own writer does not know {reason}",)
    import litert_torch

    sample = torch.from_numpy(job.sample).permute(0, 2, 3, 1).contiguous()
    edge = litert_torch.convert(litert_torch.to_channel_last_io(job.network, args=[0]), (sample,))
    edge.export(str(path))
    return notes


def nodes_of(path: Path, job: Job) -> tuple[str, ...]:
    """Names of the operators of the layers that stay in float: those of the tensors that they compute.

    The direct writer names a tensor after the one layer that it is written for; see ``Lowering.run_node``.
    """
    from ai_edge_litert.interpreter import Interpreter

    if not job.float_layers:
        return ()
    interpreter = Interpreter(str(path))
    names = {int(t["index"]): str(t["name"]) for t in interpreter.get_tensor_details()}
    outputs = [names[int(op["outputs"][0])] for op in interpreter._get_ops_details()]  # noqa: SLF001 - nothing public
    return tuple(name for name in outputs if layers_in(name, job.layers) & job.float_layers)


def quantize(path: Path, job: Job, float_nodes: Sequence[str]) -> None:
    """Static int8 in place: int8 activations, int8 weights, I/O of the profile's types."""
    from .asleep import widen_asleep
    from .gates import end_at_floor
    from .io import widen_to_uint8
    from .ranges import calibrate, tie_ranges

    end = interface(path)[0]
    batches = [{end["signature_name"]: batch.transpose(0, 2, 3, 1)} for batch in job.batches]
    ranges = calibrate(path, batches, job.quantization, float_nodes)
    if job.profile.bake_preprocess:
        # Pixels take the whole range with a scale of exactly 1, whatever the calibration photos reached.
        seen = ranges[end["name"]]
        seen["min"], seen["max"] = np.full_like(seen["min"], 0), np.full_like(seen["max"], 255)
    take_learnt(ranges, job)
    widen_asleep(path, ranges, float_nodes)
    tie_ranges(path, ranges)
    end_at_floor(path, ranges, float_nodes)
    model = static_int8(
        path,
        ranges,
        float_nodes,
        float_input=job.input_dtype == "float32",
        float_output=job.profile.io == "float32",
    )
    path.write_bytes(widen_to_uint8(model, job.input_dtype == "uint8", job.profile.io == "uint8"))


def take_learnt(ranges: dict[str, Any], job: Job) -> None:
    """Put the ranges that the training learnt in the place of those of the calibration images.

    A layer's result is the last tensor that is named after it; one that computes its activation too is named after the
    convolution.
    """
    last = {layer: name for name in ranges for layer in layers_in(name, job.layers)}
    for layer, ends in job.learnt.items():
        before = next((one.name for one in job.layers.values() if one.feeds == (layer,)), layer)
        name = last.get(layer) or last.get(before)
        if name is not None and ends[0] < ends[1]:
            for key, end in zip(("min", "max"), ends, strict=True):
                ranges[name][key] = np.full_like(ranges[name][key], end)


def interface(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Name, shape, type and quantization of the file's input and output, as arguments of a ``TensorSpec``."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    signature = interpreter.get_signature_list()[SIGNATURE]
    ends = []
    for details, name in (
        (interpreter.get_input_details()[0], signature["inputs"][0]),
        (interpreter.get_output_details()[0], signature["outputs"][0]),
    ):
        scale, zero_point = details["quantization"]
        ends.append(
            {
                "name": str(details["name"]),
                "signature_name": str(name),
                "shape": tuple(int(d) for d in details["shape"]),
                "dtype": details["dtype"].__name__,
                "params": QuantParams(scale=float(scale), zero_point=int(zero_point)) if scale else None,
            }
        )
    return ends[0], ends[1]
