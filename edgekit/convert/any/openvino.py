"""A traced network of any kind to OpenVINO IR."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...base.target import saturates
from ..openvino.convert import FILES
from .job import AnyConverted, AnyJob
from .onnx_file import ready_model, refuse_quantized

if TYPE_CHECKING:
    from openvino import Model

INT8: dict[str, str | bool] = {
    "scheme": "full-integer",
    "form": "FakeQuantize",
    "weights": "int8 symmetric per-channel",
    "activations": "8-bit asymmetric per-tensor",
    "ranges": "min-max",
}


def convert(job: AnyJob) -> AnyConverted:
    """Write ``model.xml`` and ``model.bin`` with the network's own names of inputs and outputs.

    Raises:
        ToolError: the converter or the quantizer failed.
    """
    import openvino

    notes: list[str] = []
    if job.file is not None:
        model, notes = from_file(job, job.file)
    else:
        model = openvino.convert_model(job.program, input=[list(shape) for shape in job.shapes.values()])
    for port, name in zip(model.inputs, job.inputs, strict=True):
        port.tensor.set_names({name})
    for port, name in zip(model.outputs, job.outputs, strict=True):
        port.tensor.set_names({name})
    quantization = None
    if job.profile.precision == "weight-only":
        from ..dynamic import OPENVINO, compressed_openvino

        model, quantization = compressed_openvino(model), OPENVINO
    if job.profile.precision == "int8":
        model, quantization = quantize(model, job), INT8
    openvino.save_model(model, job.folder / FILES[0], compress_to_fp16=job.profile.precision == "fp16")
    places = tuple(range(len(job.inputs))), tuple(range(len(job.outputs)))
    return AnyConverted(files=FILES, inputs=places[0], outputs=places[1], quantization=quantization, notes=tuple(notes))


def from_file(job: AnyJob, file: Path) -> tuple[Model, list[str]]:
    """The model of an ONNX file, and notes."""
    import onnx
    import openvino

    ready, notes = ready_model(file, job.shapes)
    if job.profile.precision in ("int8", "weight-only"):
        refuse_quantized(ready, file.name)
    between = job.folder / "ready.onnx"
    onnx.save_model(ready, between)
    model = openvino.convert_model(between)
    between.unlink()
    return model, notes


def quantize(model: Model, job: AnyJob) -> Model:
    """Static int8 by NNCF; weights lose a bit where the target saturates."""
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

    return nncf.quantize(
        model,
        nncf.Dataset([job.row(number) for number in range(job.count)]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=job.count,
        target_device=nncf.TargetDevice.CPU,
        advanced_parameters=AdvancedQuantizationParameters(
            overflow_fix=OverflowFix.ENABLE if saturates(job.target) else OverflowFix.DISABLE
        ),
    )
