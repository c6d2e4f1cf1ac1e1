"""A traced network of any kind to ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ...errors import ToolError
from ...types import ONNX_OPSET
from ..onnx.convert import FILE, simplified, to_float16
from ..onnx.unused import drop_unused
from ..onnx.version import opset_of, with_opset
from .batch_statistics import with_batch_statistics
from .fallback import near_enough
from .job import AnyConverted, AnyJob, int8_words, ranges_words
from .onnx_file import ready_model, refuse_quantized
from .onnx_gates import with_int8_gates
from .onnx_int8 import OnnxKit, name_nodes

if TYPE_CHECKING:
    from onnx import ModelProto

INT8: dict[str, str | bool] = {
    "scheme": "full-integer",
    "form": "QDQ",
    "weights": "int8 symmetric per-channel",
    "activations": "uint8 asymmetric per-tensor",
    "ranges": "min-max",
}


def convert(job: AnyJob) -> AnyConverted:
    """Write ``model.onnx`` with the network's own names of inputs and outputs.

    Raises:
        ToolError: the exporter or the quantizer failed.
    """
    import onnx

    model, notes = plain_model(job)
    if job.profile.opset < opset_of(model):
        model = with_opset(model, job.profile.opset)
    quantization = None
    if job.profile.precision == "fp16":
        model = to_float16(model)
    if job.profile.precision == "dynamic":
        from ..dynamic import ONNX, dynamic_onnx

        model, quantization = dynamic_onnx(model, job.folder), ONNX
    float_nodes: frozenset[str] = frozenset()
    if job.profile.precision == "int8":
        name_nodes(model)
        model = with_int8_gates(model)
        kit = OnnxKit(model, job)
        file, float_nodes, said = near_enough(kit, job)
        model, quantization = onnx.load_model(file), int8_words(ranges_words(INT8, kit.outliers), job.target)
        kit.close()
        float_nodes, notes = float_nodes | kit.slow, [*notes, *said, *kit.note()]
    drop_unused(model)
    model.ir_version = job.profile.ir_version
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, job.folder / FILE)
    places = tuple(range(len(job.inputs))), tuple(range(len(job.outputs)))
    return AnyConverted(
        files=(FILE,),
        inputs=places[0],
        outputs=places[1],
        quantization=quantization,
        notes=tuple(notes),
        float_nodes=tuple(sorted(float_nodes)),
    )


def plain_model(job: AnyJob) -> tuple[ModelProto, list[str]]:
    """The network as a simplified float model, and notes on the simplification."""
    if job.file is not None:
        model, notes = ready_model(job.file, job.shapes, keep_stored=job.profile.precision == "fp32")
        if job.profile.precision in ("int8", "dynamic"):
            refuse_quantized(model)
        return model, notes
    assert job.program is not None
    from ..onnx.exporter_table import read_once  # takes PyTorch's exporter, which a file of others does not need

    sample = [torch.from_numpy(array[:1])[0] for array in job.sets]
    with read_once():
        program = torch.onnx.export(
            with_batch_statistics(job.program, sample),
            (),
            dynamo=True,
            opset_version=ONNX_OPSET,
            input_names=list(job.inputs),
            output_names=list(job.outputs),
            verbose=False,
        )
    if program is None:
        raise ToolError("torch.onnx gave no model")
    return simplified(program.model_proto)
