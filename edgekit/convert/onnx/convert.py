"""PyTorch to ONNX (torch.onnx, dynamo), simplified by onnxsim; float16 and int8 (ONNX Runtime's QDQ quantizer)."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...base.target import saturates
from ...errors import ToolError
from ...types import ONNX_OPSET, TensorSpec
from ...types.models import OPEN
from ..int8.float_layers import layers_in
from ..int8.simulation import scheme_of
from ..int8.weight_range import PAIRED
from ..job import INPUT_NAME, OUTPUT_NAME, Converted, Job, describe, input_spec
from .pool import name_global_pools
from .unused import drop_unused
from .version import with_opset

if TYPE_CHECKING:
    from onnx import ModelProto

FILE = "model.onnx"


def convert_onnx(job: Job) -> Converted:
    """Write ``model.onnx``: NCHW input named ``input``, output named ``output``, one file.

    Its opset and IR version are the profile's.

    Raises:
        ToolError: the exporter or the quantizer failed.
        UsageError: the network cannot be written in the profile's opset.
    """
    import onnx

    traced = trace(job)
    owners = owners_of(traced, job)
    model, notes = simplified(traced)
    name_global_pools(model)
    model = with_opset(model, job.profile.opset)
    float_nodes = [n for n in model.graph.node if owners.get(n.output[0], set()) & job.float_layers]
    float_names = [name for node in float_nodes for name in (node.name, *node.output)]
    input_params = output_params = None
    quantization: dict[str, str | bool] | None = None
    if job.profile.precision == "fp16":
        model = to_float16(model)
        notes.append("weights and compute are float16 in the file; input and output stay float32")
    if job.profile.precision == "dynamic":
        from ..dynamic import ONNX, dynamic_onnx

        model, quantization = dynamic_onnx(model, job.folder), ONNX
    if job.profile.precision == "int8":
        from .float_casts import guard
        from .io import set_input_type, set_output_type
        from .signed import sign_activations, wants_signed

        exact = model
        model = quantize(exact, job, [node.name for node in float_nodes], learnt_tensors(exact, owners, job))
        signed = wants_signed(job.target)
        if signed:
            sign_activations(model)
        float_names += guard(model, {node.output[0] for node in float_nodes})
        input_params = set_input_type(model, job.input_dtype, job.profile.bake_preprocess)
        output_params = set_output_type(model, job.profile.io, lambda: output_range(exact, job))
        settings = job.quantization
        stored = "int8" if signed or settings.activations == "symmetric" else "uint8"
        paired = is_paired(job)
        quantization = describe(settings, "QDQ", stored, saturates(job.target) and not paired)
        if paired:
            quantization["weights"] = f"{quantization['weights']}, {PAIRED}"
    drop_unused(model)
    model.ir_version = job.profile.ir_version
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, job.folder / FILE)
    output = model.graph.output[0]
    shape = tuple(OPEN if d.dim_param else d.dim_value for d in output.type.tensor_type.shape.dim)
    return Converted(
        files=(FILE,),
        inputs=(input_spec(job, model.graph.input[0].name, "NCHW", input_params),),
        outputs=(
            TensorSpec(name=output.name, shape=shape, layout="NC", dtype=job.profile.io, quantization=output_params),
        ),
        quantization=quantization,
        notes=tuple(notes),
        float_nodes=tuple(float_names),
        owners={tensor: tuple(sorted(layers)) for tensor, layers in owners.items() if layers},
    )


def trace(job: Job) -> ModelProto:
    """The job's network as an ONNX model."""
    from .exporter_table import read_once

    with read_once():
        program = torch.onnx.export(
            job.network,
            (torch.from_numpy(job.sample),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},) if job.open_batch else None,
            opset_version=ONNX_OPSET,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            verbose=False,
        )
    if program is None:
        raise ToolError("torch.onnx gave no model")
    model: ModelProto = program.model_proto
    return model


def owners_of(model: ModelProto, job: Job) -> dict[str, set[str]]:
    """The layers, by name, that compute each tensor: from the scopes that the exporter notes and onnxsim drops."""
    owners = {}
    for node in model.graph.node:
        scopes = next((p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"), "[]")
        found = layers_in("/".join(ast.literal_eval(scopes)), job.layers)
        owners.update(dict.fromkeys(node.output, found))
    return owners


def simplified(model: ModelProto) -> tuple[ModelProto, list[str]]:
    """Onnxsim's form of the model, or the model itself and a note that says why not."""
    import onnxsim

    # Half of GELU's product, moved into the convolution behind it, hides the GELU that ONNX Runtime computes at once.
    gelu = any(node.op_type == "Erf" for node in model.graph.node)
    try:
        small, ok = onnxsim.simplify(model, skipped_optimizers=["fuse_preceding_mul_into_conv"] if gelu else None)
    except Exception as error:  # noqa: BLE001 - onnxsim raises anything; the larger graph is right too
        return model, [f"onnxsim failed, the graph is not simplified: {str(error).splitlines()[0]}"]
    if not ok:
        return model, ["onnxsim's own check failed, the graph is not simplified"]
    return small, []


def to_float16(model: ModelProto) -> ModelProto:
    """Weights and compute in float16, input and output in float32."""
    from onnxruntime.quantization.onnx_model import ONNXModel
    from onnxruntime.transformers.float16 import convert_float_to_float16

    # The converter appends its casts at the end, where a reader of the file does not look for them.
    half = ONNXModel(convert_float_to_float16(model, keep_io_types=True))
    half.topological_sort()
    ordered: ModelProto = half.model
    return ordered


def output_range(model: ModelProto, job: Job) -> tuple[float, float]:
    """Smallest and largest output of the float model over the calibration inputs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    outputs = [session.run(None, {name: batch})[0] for batch in job.batches]
    return float(min(o.min() for o in outputs)), float(max(o.max() for o in outputs))


class Reader:
    """Feeds calibration batches to ONNX Runtime's calibrator, one at a time."""

    def __init__(self, name: str, batches: Sequence[np.ndarray[Any, Any]]) -> None:
        self._batches = iter(batches)
        self._name = name

    def get_next(self) -> dict[str, np.ndarray[Any, Any]] | None:
        """The next batch, or None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def is_paired(job: Job) -> bool:
    """True where the weights are scaled by their largest pair instead of losing a bit (``weight_range``)."""
    return scheme_of(job.quantization, job.target, "onnx").paired


def learnt_tensors(model: ModelProto, owners: Mapping[str, set[str]], job: Job) -> dict[str, tuple[float, float]]:
    """The ranges that the training learnt, by tensor: that of a layer is the last which it computes."""
    last = {name: node.output[0] for node in model.graph.node for name in owners.get(node.output[0], ())}
    return {last[name]: ends for name, ends in job.learnt.items() if name in last}


def quantize(
    model: ModelProto, job: Job, float_nodes: Sequence[str], learnt: Mapping[str, tuple[float, float]]
) -> ModelProto:
    """Static QDQ: uint8 activations or symmetric int8 ones; int8 weights, a bit less where the target saturates.

    Args:
        model: in float.
        job: says how.
        float_nodes: names of the operators that stay in float.
        learnt: ranges of tensors that are known.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    from .concat import Override, tie_ranges
    from .gates import end_at_floor

    settings = job.quantization
    float_file, int8_file = job.folder / "float.onnx", job.folder / "int8.onnx"
    onnx.save_model(model, float_file)
    symmetric = settings.activations == "symmetric"
    name = model.graph.input[0].name
    chosen: dict[str, Override] = {}
    if settings.ranges != "min-max":
        from .ranges import overrides

        images = sum(len(batch) for batch in job.batches)
        chosen = overrides(float_file, (Reader(name, [batch]) for batch in job.batches), settings, images)
    chosen |= {
        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}]
        for name, (low, high) in learnt.items()
        if low < high
    }
    chosen |= tie_ranges(float_file, Reader(name, job.batches), chosen, float_nodes, symmetric)
    chosen |= end_at_floor(float_file, Reader(name, job.batches), chosen, float_nodes)
    if is_paired(job):
        from .weights import weight_overrides

        chosen |= weight_overrides(model)
    quantize_static(
        float_file,
        int8_file,
        Reader(name, job.batches),
        quant_format=QuantFormat.QDQ,
        per_channel=settings.weights == "per-channel",
        reduce_range=saturates(job.target),
        activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        nodes_to_exclude=list(float_nodes),
        extra_options={"ActivationSymmetric": symmetric, "TensorQuantOverrides": chosen},
    )
    quantized: ModelProto = onnx.load_model(int8_file)
    for file in (float_file, int8_file):
        file.unlink()
    return quantized
