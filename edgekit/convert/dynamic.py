"""int8 weights without calibration: dynamic-range (ONNX, TFLite) and weight-only (OpenVINO); float input and output.

The behaviour of each library, observed on mobilenet_v2 with ImageNet weights: ONNX Runtime computes all 52 convolutions
as ConvInteger, with one weight scale per tensor (``per_channel`` changes nothing); XNNPACK takes CONV_2D and
FULLY_CONNECTED with int8 weights, but none of 17 DEPTHWISE_CONV_2D; NNCF compresses the weights of all 53 layers,
convolutions too, and OpenVINO's CPU plugin computes the convolutions with float weights again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto
    from openvino import Model

Description = dict[str, "str | bool"]

ONNX: Description = {
    "scheme": "dynamic-range",
    "form": "ConvInteger, MatMulInteger",
    "weights": "uint8 asymmetric per-tensor",
    "activations": "uint8 asymmetric per-tensor, ranges at run time",
}
TFLITE: Description = {
    "scheme": "dynamic-range",
    "form": "float operators with int8 weights",
    "weights": "int8 symmetric per-channel",
    "activations": "float32 between operators, int8 inside them, ranges at run time",
    "float": "depthwise convolutions: the delegate takes none with int8 weights",
}
OPENVINO: Description = {
    "scheme": "weight-only",
    "form": "compressed constants",
    "weights": "int8 symmetric per-channel",
    "activations": "float32",
}


def dynamic_onnx(model: ModelProto, folder: Path) -> ModelProto:
    """ONNX Runtime's dynamic quantization. Its ConvInteger kernel takes uint8 weights with one scale per tensor."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    float_file, int8_file = folder / "float.onnx", folder / "dynamic.onnx"
    onnx.save_model(model, float_file)
    quantize_dynamic(float_file, int8_file, weight_type=QuantType.QUInt8)
    quantized: ModelProto = onnx.load_model(int8_file)
    for file in (float_file, int8_file):
        file.unlink()
    return quantized


def compressed_openvino(model: Model) -> Model:
    """NNCF's weight compression, of convolutions and linear layers."""
    import nncf

    return nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)
