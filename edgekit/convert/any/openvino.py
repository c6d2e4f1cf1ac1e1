"""A traced network of any kind to OpenVINO IR."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..openvino.convert import FILES
from .fallback import near_enough
from .job import AnyConverted, AnyJob, int8_words
from .onnx_branches import with_both_branches
from .onnx_file import ready_model, refuse_quantized
from .openvino_int8 import OpenvinoKit

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
    places = tuple(range(len(job.inputs))), tuple(range(len(job.outputs)))
    quantization = None
    if job.profile.precision == "weight-only":
        from ..dynamic import OPENVINO, compressed_openvino

        model, quantization = compressed_openvino(model), OPENVINO
    float_nodes: frozenset[str] = frozenset()
    if job.profile.precision == "int8":
        file, float_nodes, said = near_enough(OpenvinoKit(model, job), job)
        quantization = int8_words(INT8, job.target)
        notes += said
        for made, name in zip((file, file.with_suffix(".bin")), FILES, strict=True):
            made.replace(job.folder / name)
    else:
        openvino.save_model(model, job.folder / FILES[0], compress_to_fp16=job.profile.precision == "fp16")
    return AnyConverted(
        files=FILES,
        inputs=places[0],
        outputs=places[1],
        quantization=quantization,
        notes=tuple(notes),
        float_nodes=tuple(sorted(float_nodes)),
    )


def from_file(job: AnyJob, file: Path) -> tuple[Model, list[str]]:
    """The model of an ONNX file, and notes."""
    import onnx
    import openvino

    ready, notes = ready_model(file, job.shapes, keep_stored=job.profile.precision == "fp32")
    if job.profile.precision in ("int8", "weight-only"):
        refuse_quantized(ready)
    given = {end.name for end in ready.graph.input}
    for end in ready.graph.output:
        if end.name in given:  # the reader would make a second input of it
            ready.graph.node.append(onnx.helper.make_node("Identity", [end.name], [f"{end.name}/again"]))
            end.name += "/again"
    between = job.folder / "ready.onnx"
    onnx.save_model(ready, between)
    try:
        model = openvino.convert_model(between)
    except Exception:  # its reader raises anything, and takes few Ifs
        if not any(node.op_type == "If" for node in ready.graph.node):
            raise
        onnx.save_model(with_both_branches(ready), between)
        model = openvino.convert_model(between)
        notes = [*notes, "OpenVINO does not read its Ifs: both branches are computed, and the values of one are taken"]
    finally:
        between.unlink()
    return model, notes
