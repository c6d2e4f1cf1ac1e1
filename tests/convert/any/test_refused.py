"""Errors of converters and runtimes, as they print them."""

from __future__ import annotations

import pytest

from edgekit.convert.any.refused import converter_refusal, runtime_refusal

PRINTED = [
    (
        "tflite",
        "Lowering not found: aten.randn_like.default\n\nWhile executing %r",
        "aten.randn_like",
        "cannot convert",
    ),
    (
        "tflite",
        (
            "Unsupported ir element type: complex<f32>\n\nWhile executing %permute : [num_users=1] = call_function"
            "[target=torch.ops.aten.permute.default](args = (%_fft_r2c, [0, 2, 1]), kwargs = {})"
        ),
        "aten.permute",
        "litert-torch cannot convert aten.permute: Unsupported ir element type: complex<f32>",
    ),
    (
        "tflite",
        (
            "Failed to run converter passes: /there/torch/nn/modules/conv.py:1198:0: error: failed to legalize "
            "operation 'mhlo.convolution' that was explicitly marked illegal: %242 = \"mhlo.convolution\"(%237, %241)"
        ),
        "convolution",
        "litert-torch cannot convert convolution of these sizes (conv.py, line 1198)",
    ),
    (
        "tflite",
        (
            'Failed to run converter passes: <unknown>:0: error: loc("torch.export.Wrapper;"("sort")): comparator '
            "block argument #2 should be of type 'tensor<i32>' but got 'tensor<i64>'"
        ),
        "",
        "litert-torch fails on the network: comparator block argument #2 should be of type 'tensor<i32>'",
    ),
    (
        "openvino",
        "Check 'false' failed at x.cpp:151:\n\nSummary:\n-- Conversion is failed for: aten.unfold.default\n",
        "aten.unfold",
        "OpenVINO cannot convert aten.unfold",
    ),
    (
        "tflite",
        "Didn't find op for builtin opcode 'STABLEHLO_SORT' version '1'. An older version of this builtin",
        "STABLEHLO_SORT",
        "LiteRT has no operator STABLEHLO_SORT, which the converter wrote",
    ),
]


@pytest.mark.parametrize(("format_", "said", "operator", "words"), PRINTED)
def test_the_operator_is_found(format_, said, operator, words):
    found = converter_refusal(said, format_)
    assert found is not None
    assert found.operator == operator
    assert words in found.words


def test_what_a_runtime_says_of_a_file():
    said = (
        "inspecting net tflite-fp32 failed: litert cannot load /there/.staging-1/model.tflite: "
        "tflite/kernels/broadcast_to.cc Output shape must be broadcastable from input shape."
        "Node number 24 (BROADCAST_TO) failed to prepare."
    )
    found = runtime_refusal(said, "tflite")
    assert found is not None
    assert found.words == (
        "LiteRT cannot run a BROADCAST_TO as the converter wrote it: "
        "broadcast_to.cc Output shape must be broadcastable from input shape."
    )


def test_other_errors_are_not_explained():
    assert converter_refusal("no space left on device", "onnx") is None
    assert runtime_refusal("cannot load model.onnx: protobuf parsing failed", "onnx") is None
