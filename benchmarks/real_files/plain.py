"""The plain way: what each library makes of a user's network or ONNX file by itself, with its defaults.

As in :mod:`benchmarks.plain`, where the settings of int8 are explained. A network keeps the layout that it has: that is
what litert-torch does where nobody asks for another. No library that is installed turns ONNX into TFLite.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILES = {"onnx": "model.onnx", "tflite": "model.tflite", "openvino": "model.xml"}
Rows = list[dict[str, "NDArray[Any]"]]


def make(request: dict[str, Any]) -> dict[str, Any]:
    """Export in a child process.

    Request: ``network`` (``module:factory``, or an ONNX file), ``inputs`` (``.npz``, examples in front), ``format``,
    ``precision``, ``reduce`` (int8 products saturate here), ``folder``.
    """
    import torch

    with np.load(request["inputs"]) as kept:
        arrays = {name: kept[name] for name in kept.files}
    rows = [{name: array[place] for name, array in arrays.items()} for place in range(len(next(iter(arrays.values()))))]
    path = Path(request["folder"], FILES[request["format"]])
    int8 = request["precision"] == "int8"
    network: Any = Path(request["network"])
    if network.suffix != ".onnx":
        module, factory = request["network"].split(":")
        network = getattr(importlib.import_module(module), factory)()
    with torch.no_grad():
        if request["format"] == "onnx":
            to_onnx(network, rows, path, int8, request["reduce"])
        elif request["format"] == "tflite":
            to_tflite(network, rows, path, int8)
        else:
            to_openvino(network, rows, path, int8)
    return {"file": str(path)}


def to_onnx(network: Any, rows: Rows, path: Path, int8: bool, reduce_range: bool) -> None:
    """The file as it is, or torch.onnx and onnxsim; for int8 ONNX Runtime's static quantizer."""
    import onnx
    import onnxsim
    import torch

    if isinstance(network, Path):
        model = onnx.load(network)
    else:
        program = torch.onnx.export(network, tensors(rows[0]), dynamo=True, verbose=False, input_names=list(rows[0]))
        assert program is not None
        simple, same = onnxsim.simplify(program.model_proto)
        model = simple if same else program.model_proto
    onnx.save_model(model, path)
    if not int8:
        return
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Examples(CalibrationDataReader):  # type: ignore[misc]
        """The examples, one at a time."""

        def __init__(self) -> None:
            self.left: Iterator[Any] = iter(rows)

        def get_next(self) -> Any:
            """The next, or None at the end."""
            return next(self.left, None)

    ready = path.with_name("ready.onnx")
    quant_pre_process(path, ready, skip_symbolic_shape=True)
    quantize_static(
        ready,
        path,
        Examples(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=reduce_range,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )


def to_tflite(network: Any, rows: Rows, path: Path, int8: bool) -> None:
    """litert-torch, and for int8 ai-edge-quantizer."""
    import litert_torch

    if isinstance(network, Path):
        raise TypeError("no library here turns ONNX into TFLite")
    litert_torch.convert(network, tensors(rows[0])).export(str(path))
    if not int8:
        return
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    (key, signature), *_ = Interpreter(str(path)).get_signature_list().items()
    named = [dict(zip(signature["inputs"], row.values(), strict=True)) for row in rows]
    tool = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
    tool.quantize(tool.calibrate({key: named})).export_model(str(path), overwrite=True)


def to_openvino(network: Any, rows: Rows, path: Path, int8: bool) -> None:
    """OpenVINO's converter, and for int8 NNCF."""
    import openvino

    shapes = [list(array.shape) for array in rows[0].values()]
    if isinstance(network, Path):
        model = openvino.convert_model(network, input=list(zip(rows[0], shapes, strict=True)))
    else:
        model = openvino.convert_model(network, example_input=tensors(rows[0]), input=shapes)
    if not int8:
        openvino.save_model(model, path, compress_to_fp16=False)
        return
    import nncf

    model = nncf.quantize(
        model, nncf.Dataset([tuple(row.values()) for row in rows]), preset=nncf.QuantizationPreset.MIXED
    )
    openvino.save_model(model, path)


def tensors(row: dict[str, Any]) -> tuple[Any, ...]:
    """The inputs of one inference, as PyTorch takes them."""
    import torch

    return tuple(torch.from_numpy(array) for array in row.values())
