"""The plain path: each library's own way to export an untouched PyTorch network, with its defaults.

Nothing of edgekit's passes or converters is used; edgekit only builds the network, so that the weights are the same.
Where a default would be no fair comparison, the documented setting for the case is taken:

- litert-torch gets the channels-last input it offers (its default would add a transpose), ai-edge-quantizer's
  ``static_wi8_ai8`` is calibrated as its documentation shows, and leaves int8 ends;
- torch.onnx (dynamo, its default opset) is simplified by onnxsim; ONNX Runtime's static QDQ has weights per channel,
  with ``reduce_range`` where products saturate, and signed activations: its default, and by its documentation "the
  first choice" on a CPU (S8S8 with QDQ). On x86 unsigned ones are faster, so that they are measured too
  (``unsigned`` in the request), in a table of their own;
- OpenVINO gets a fixed shape (its default would leave it open); NNCF's preset is ``mixed``, all else its default.

Both calibrate on the photos that edgekit ships. Runs in a child process: :func:`make` is its entry.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

Request = dict[str, Any]

TOOLS = {
    "onnx": ("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime"),
    "tflite": ("torch", "litert-torch", "litert-converter", "ai-edge-litert", "ai-edge-quantizer"),
    "openvino": ("torch", "openvino", "nncf"),
}
"""Whose versions decide what comes out, by format."""
FILES = {"onnx": "model.onnx", "tflite": "model.tflite", "openvino": "model.xml"}
"""The file that a runtime opens, by format."""


def make(request: Request) -> dict[str, Any]:
    """Export one network.

    Request: ``model`` (card id or path), ``format``, ``precision`` (fp32 or int8), ``target`` (class of the CPU),
    ``unsigned`` (ONNX int8: unsigned activations), ``folder``, and where they are not edgekit's own ``weights`` (a
    checkpoint) and ``photos`` (a folder). Writes the model, ``reference.npy`` (the network's float32 outputs on the
    photos, ``(N, classes)``).

    Returns:
        ``cpu_seconds`` of the export, imports included, without building the network; ``weights_sha256``; ``tools``.
    """
    import torch

    from edgekit.base.images.pixels import load_pixels, normalise
    from edgekit.catalog import find_card
    from edgekit.zoo.build import build_with_provenance

    card = find_card(request["model"])
    folder = Path(request["folder"])
    before = cpu_seconds()
    weights, held_out = request.get("weights"), request.get("photos")
    built = build_with_provenance(card, weights)
    network = built.network
    pixels, _ = load_pixels(None, card.preprocessing)
    photos = torch.from_numpy(normalise(pixels, card.preprocessing))
    building = cpu_seconds() - before
    converter: Callable[[nn.Module, Tensor, Path, Request], None] = {
        "onnx": to_onnx,
        "tflite": to_tflite,
        "openvino": to_openvino,
    }[request["format"]]
    with torch.no_grad():
        converter(network, photos, folder, request)
        spent = cpu_seconds() - building
        # Built again: the converters may have changed the network they were given.
        network = build_with_provenance(card, weights).network
        if held_out is not None:
            photos = torch.from_numpy(normalise(load_pixels(held_out, card.preprocessing)[0], card.preprocessing))
        np.save(folder / "reference.npy", torch.cat([network(batch) for batch in torch.split(photos, 16)]).numpy())
    return {
        "cpu_seconds": spent,
        "weights_sha256": built.provenance.sha256,
        "tools": tool_versions(request["format"]),
    }


def tool_versions(format_: str) -> dict[str, str]:
    """The versions of a format's tools."""
    return {name: metadata.version(name) for name in TOOLS[format_]}


def cpu_seconds() -> float:
    """CPU time of this process since its start, and of the children it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def to_onnx(network: nn.Module, photos: Tensor, folder: Path, request: Request) -> None:
    """torch.onnx, onnxsim, and for int8 ONNX Runtime's static quantizer."""
    import onnx
    import onnxsim
    import torch

    program = torch.onnx.export(network, (photos[:1],), dynamo=True, verbose=False)
    assert program is not None
    model, same = onnxsim.simplify(program.model_proto)
    if not same:
        model = program.model_proto
    path = folder / FILES["onnx"]
    if request["precision"] == "fp32":
        onnx.save_model(model, path)
        return
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Photos(CalibrationDataReader):  # type: ignore[misc]
        """The photos, one at a time."""

        def __init__(self) -> None:
            self.rows: Iterator[Tensor] = iter(photos)

        def get_next(self) -> dict[str, Any] | None:
            """The next input, or None at the end."""
            row = next(self.rows, None)
            return None if row is None else {model.graph.input[0].name: row[None].numpy()}

    quantize_static(
        model,
        path,
        Photos(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=request["target"] == "x86-avx2",
        activation_type=QuantType.QUInt8 if request["unsigned"] else QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )


def to_tflite(network: nn.Module, photos: Tensor, folder: Path, request: Request) -> None:
    """litert-torch, and for int8 ai-edge-quantizer."""
    import litert_torch

    nhwc = photos.permute(0, 2, 3, 1).contiguous()
    edge = litert_torch.convert(litert_torch.to_channel_last_io(network, args=[0]), (nhwc[:1],))
    path = folder / FILES["tflite"]
    edge.export(str(path))
    if request["precision"] == "fp32":
        return
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    (key, signature), *_ = Interpreter(str(path)).get_signature_list().items()
    tool = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
    seen = tool.calibrate({key: [{signature["inputs"][0]: row[None].numpy()} for row in nhwc]})
    tool.quantize(seen).export_model(str(path), overwrite=True)


def to_openvino(network: nn.Module, photos: Tensor, folder: Path, request: Request) -> None:
    """OpenVINO's converter, and for int8 NNCF."""
    import openvino

    model = openvino.convert_model(network, example_input=photos[:1], input=list(photos[:1].shape))
    path = folder / FILES["openvino"]
    if request["precision"] == "fp32":
        # The default stores float16, which would not be the precision that the row names.
        openvino.save_model(model, path, compress_to_fp16=False)
        return
    import nncf

    rows = [row[None].numpy() for row in photos]
    model = nncf.quantize(model, nncf.Dataset(rows), preset=nncf.QuantizationPreset.MIXED)
    openvino.save_model(model, path)
