"""PyTorch to OpenVINO IR; float16 by compression, int8 through NNCF's post-training quantization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...base.target import saturates
from ...errors import ToolError
from ...types import Quantization, TensorSpec
from ...types.models import OPEN
from ..int8.float_layers import layers_in
from ..int8.simulation import scheme_of
from ..int8.weight_range import PAIRED
from ..int8.weight_rounding import COMPENSATED
from ..job import INPUT_NAME, OUTPUT_NAME, Converted, Job, describe, input_spec
from .pool import drop_pool_indices

if TYPE_CHECKING:
    from nncf.quantization.range_estimator import RangeEstimatorParameters
    from openvino import Model

FILES = ("model.xml", "model.bin")


def convert_openvino(job: Job) -> Converted:
    """Write ``model.xml`` and ``model.bin``: NCHW input named ``input``, output named ``logits``.

    Raises:
        ToolError: the converter or the quantizer failed.
    """
    import openvino

    model = trace(job)
    drop_pool_indices(model)
    model.inputs[0].tensor.set_names({INPUT_NAME})
    model.outputs[0].tensor.set_names({OUTPUT_NAME})
    input_params = output_params = None
    float_nodes: tuple[str, ...] = ()
    quantization: dict[str, str | bool] | None = None
    if job.profile.precision == "weight-only":
        from ..dynamic import OPENVINO, compressed_openvino

        model, quantization = compressed_openvino(model), OPENVINO
    if job.profile.precision == "int8":
        from .io import set_input_type, set_output_type

        scores = reference_range(model, job)
        float_nodes = nodes_of(model, job)
        model = quantize(model, job, float_nodes)
        input_params = set_input_type(model, job)
        output_params = set_output_type(model, job.profile.io, scores)
        also = "widest of the images" if job.quantization.ranges == "percentile" else ""
        paired = scheme_of(job.quantization, job.target, "openvino").paired
        quantization = describe(job.quantization, "FakeQuantize", "8-bit", saturates(job.target) and not paired, also)
        notes = ((paired, PAIRED), (job.quantization.rounding == "compensated", COMPENSATED))
        quantization["weights"] = ", ".join([str(quantization["weights"]), *(note for told, note in notes if told)])
    openvino.save_model(model, job.folder / FILES[0], compress_to_fp16=job.profile.precision == "fp16")
    half = "weights are stored as float16; the CPU plugin computes in float32 unless it is told otherwise"
    loaded = "weight-only: int8 weights in the file; OpenVINO's CPU plugin computes the convolutions in float32"
    return Converted(
        files=FILES,
        inputs=(input_spec(job, INPUT_NAME, "NCHW", input_params),),
        outputs=(
            TensorSpec(
                name=OUTPUT_NAME,
                shape=tuple(d.get_length() if d.is_static else OPEN for d in model.outputs[0].partial_shape),
                layout="NC",
                dtype=job.profile.io,
                quantization=output_params,
            ),
        ),
        quantization=quantization,
        notes={"fp16": (half,), "weight-only": (loaded,)}.get(job.profile.precision, ()),
        float_nodes=float_nodes,
    )


def trace(job: Job) -> Model:
    """The job's network as an OpenVINO model."""
    import openvino
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    sample = torch.from_numpy(job.sample)
    # The tracer would trace once more and compare; parity compares the file itself.
    decoder = TorchScriptPythonDecoder(job.network, example_input=sample, trace_kwargs={"check_trace": False})
    shape = [OPEN if job.open_batch else len(sample), *sample.shape[1:]]
    return openvino.convert_model(decoder, example_input=sample, input=shape)


def reference_range(model: Model, job: Job) -> tuple[float, float]:
    """Smallest and largest output of the float model over the calibration inputs."""
    import openvino

    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    outputs = np.concatenate([compiled(batch)[0] for batch in job.batches])
    return float(outputs.min()), float(outputs.max())


def nodes_of(model: Model, job: Job) -> tuple[str, ...]:
    """Names of the operators of the layers that stay in float."""
    return tuple(
        op.friendly_name
        for op in model.get_ordered_ops()
        if op.get_type_name() not in ("Constant", "Parameter", "Result")
        and layers_in(op.friendly_name, job.layers) & job.float_layers
    )


def learnt_ports(model: Model, job: Job) -> dict[str, tuple[float, float]]:
    """The ranges that the training learnt, by operator: a layer's result is what its last one gives."""
    last = {
        layer: op.friendly_name
        for op in model.get_ordered_ops()
        if op.get_type_name() not in ("Constant", "Parameter", "Result")
        for layer in layers_in(op.friendly_name, job.layers)
    }
    return {last[layer]: ends for layer, ends in job.learnt.items() if layer in last}


def quantize(model: Model, job: Job, float_nodes: Sequence[str]) -> Model:
    """Static int8: activations per tensor; weights lose up to a bit where the target saturates.

    NNCF corrects biases unless the weights' rounding has done so already; of the ranges it knows some (``estimator``).
    """
    import nncf
    from nncf.quantization.advanced_parameters import (
        AdvancedQuantizationParameters,
        OverflowFix,
        QuantizationParameters,
    )

    from .gates import join_gates, part_gates
    from .observed import set_ranges
    from .ranges import join_ranges
    from .weights import scale_weights
    from .zero_codes import part_zeros

    settings = job.quantization
    scheme = scheme_of(settings, job.target, "openvino")
    symmetric = settings.activations == "symmetric"
    batches = job.batches
    observe = settings.ranges in ("min-max", "outliers")
    corrects = settings.bias_correction or settings.rounding == "nearest"
    seen = batches if corrects or not observe else batches[:1]  # NNCF only places the quantizers
    part_gates(model)
    quantized = nncf.quantize(
        model,
        nncf.Dataset(seen),
        preset=nncf.QuantizationPreset.PERFORMANCE if symmetric else nncf.QuantizationPreset.MIXED,
        subset_size=len(seen),
        fast_bias_correction=not settings.bias_correction,
        target_device=nncf.TargetDevice.CPU,
        ignored_scope=nncf.IgnoredScope(names=list(float_nodes), validate=False),
        advanced_parameters=AdvancedQuantizationParameters(
            activations_range_estimator_params=estimator(settings),
            overflow_fix=OverflowFix.ENABLE if saturates(job.target) and not scheme.paired else OverflowFix.DISABLE,
            weights_quantization_params=QuantizationParameters(per_channel=scheme.per_channel),
            backend_params={"compress_weights": not scheme.per_channel},
            disable_bias_correction=not corrects,
        ),
    )
    join_gates(quantized)
    if observe:
        set_ranges(quantized, batches, settings, learnt_ports(model, job))
    join_ranges(quantized)
    part_zeros(quantized)
    if scheme.per_channel and not scale_weights(quantized, scheme.paired) and not float_nodes:
        raise ToolError(
            "NNCF left no float weights with a quantizer, which are scaled by channel",
            'another version of nncf may be the cause; weights = "per-tensor" in a profile of your own does without',
        )
    return quantized


def estimator(settings: Quantization) -> RangeEstimatorParameters:
    """NNCF's way to the range of an activation: its percentiles are those of each image, the widest.

    Min-max too where the range is replaced afterwards.
    """
    from nncf.quantization.range_estimator import (
        AggregatorType,
        RangeEstimatorParameters,
        RangeEstimatorParametersSet,
        StatisticsCollectorParameters,
        StatisticsType,
    )

    if settings.ranges in ("min-max", "outliers"):
        return RangeEstimatorParametersSet.MINMAX
    if settings.ranges == "mse":
        return RangeEstimatorParametersSet.HISTOGRAM
    cut = (100 - settings.percentile) / 200
    low, high = (
        StatisticsCollectorParameters(StatisticsType.QUANTILE, widest, quantile_outlier_prob=cut)
        for widest in (AggregatorType.MIN, AggregatorType.MAX)
    )
    return RangeEstimatorParameters(min=low, max=high)
