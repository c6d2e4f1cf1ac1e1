"""What can be written in another way than the profile's: variants of its rewrites, and int8 with layers in float.

Each where it may pay: what lost wherever it was measured would cost a conversion and a measurement for nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from ..types import Format, Precision, TargetClass

DOT_PRODUCT: tuple[TargetClass, ...] = ("x86-vnni", "armv8.2-dot")

EARLY = "in float down to twice the height of the last map: few channels, where int8 kernels are no faster"

# Name, the form whose rewrites it has, what stays in float, format, reason. What of the early layers TFLite gains, ONNX
# Runtime and OpenVINO lose at the border, and the stem gains nothing in OpenVINO.
KEPT: tuple[tuple[str, str, str, Format, str], ...] = (
    ("float-groups", "default", "@grouped-conv", "onnx", "group convolutions in float"),
    ("float-stem", "default", "@stem", "onnx", "the first convolution and the max pooling behind it in float"),
    ("sixteens-float-stem", "sixteens", "@stem", "onnx", "what float-stem leaves in float; rewritten as sixteens is"),
    ("float-early", "default", "@early", "tflite", EARLY),
    ("rows-float-early", "rows", "@early", "tflite", f"{EARLY}; rewritten as rows is"),
    ("dense-rows-float-early", "dense-rows", "@early", "tflite", f"{EARLY}; rewritten as dense-rows is"),
    ("split-groups-float-early", "split-groups", "@early", "tflite", f"{EARLY}; rewritten as split-groups is"),
)


# Name, passes before and behind the folding of shuffles, reason.
VARIANTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...] = (
    ("bare", (), (), "BN folded and shuffles folded, nothing else"),
    ("shift", (), ("absorb_scale",), "pre-activation BN as one addition"),
    (
        "gates",
        ("absorb_hard_sigmoid_sixth", "absorb_hard_swish_sixth"),
        (),
        "hard-swish and its gates as ReLU6 and a product, the sixth in the weights",
    ),
    ("pixel-linear", (), ("linear_as_conv",), "linear layers on the pooled map as 1x1 convolutions"),
    (
        "dense-first-pointwise",
        ("densify_first_pointwise",),
        ("absorb_shuffle", "pool_as_depthwise", "linear_as_conv"),
        "the 1x1 groups on the largest maps dense, their shuffles in the weights; pools, linear layers as convolutions",
    ),
    ("dense-shuffled", ("densify_shuffled",), (), "convolutions before a shuffle dense, so that it folds away"),
    ("split-groups", ("split_shuffled",), (), "a convolution for each group that reads a shuffle: nothing to shuffle"),
    ("dense-pointwise", ("dense_index", "densify_pointwise"), ("absorb_scale",), "no 1x1 groups, gathers or shuffles"),
    ("dense-first", ("densify_first_stage",), ("absorb_scale",), "the narrowest 3x3 groups dense"),
    (
        "dense-narrow",
        ("dense_narrow_index", "densify_narrow_spatial"),
        ("absorb_shuffle", "absorb_scale", "pack_dense_pixels", "flatten_maps"),
        "the narrowest groups and gathers dense, the rest of what happens between convolutions on rows of pixels",
    ),
    (
        "dense-narrow-pixel-linear",
        ("hoist_relu", "dense_narrow_index", "densify_narrow_spatial"),
        ("absorb_shuffle", "absorb_scale", "flatten_maps", "pool_as_depthwise", "linear_as_conv"),
        "dense-narrow's groups and rows, each feature's ReLU computed once, pools and linear layers as convolutions",
    ),
    (
        "dense-first-rows",
        ("densify_first_stage",),
        ("absorb_shuffle", "absorb_scale", "pack_pixels_by_eight", "flatten_maps"),
        "the narrowest 3x3 groups dense, the next two pixels at once, gathers and concatenations on rows of pixels",
    ),
    (
        "products-on-rows",
        ("densify_first_stage",),
        ("absorb_shuffle", "absorb_scale", "pack_pixels_by_eight", "flatten_maps", "pointwise_on_rows"),
        "rewritten as dense-first-rows is, and 1x1 groups as matrix products on rows of pixels",
    ),
    (
        "rows",
        (),
        ("absorb_scale", "pack_pixels_in_rows", "gather_rows"),
        "gathers of channels copy rows, and 3x3 groups with few outputs compute several pixels at once",
    ),
    (
        "dense-rows",
        ("dense_narrow_index",),
        ("absorb_shuffle", "absorb_scale", "pack_pixels_in_rows", "gather_rows"),
        "rewritten as rows is, the narrowest gathers dense",
    ),
    ("packed", (), ("pack_pixels",), "3x3 groups with few outputs compute several pixels at once"),
    (
        "blocked",
        ("hoist_relu", "dense_narrow_index"),
        ("absorb_shuffle", "pack_pixels_by_eight"),
        "the narrowest gathers dense, and 3x3 groups filling blocks of eight channels with several pixels",
    ),
    (
        "sixteens",
        ("pad_depthwise",),
        (),
        "hidden channels of depthwise convolutions filled up to a multiple of sixteen",
    ),
    ("padded", (), ("pad_hidden",), "hidden channels filled up to a multiple of four"),
    ("dense-all", ("dense_index", "densify_pointwise", "densify_spatial"), ("absorb_scale",), "no groups at all"),
    (
        "aligned-groups",
        ("dense_index", "align_groups"),
        ("absorb_shuffle", "absorb_scale"),
        "no gathers, and groups of whole vectors of channels, as GPU delegates need",
    ),
)


def slow_at_linear(format_: Format, precision: Precision, target: TargetClass) -> bool:
    """True where int8 linear layers are slow: in OpenVINO without a dot product."""
    return format_ == "openvino" and precision == "int8" and target not in DOT_PRODUCT


def float_wants_rows(format_: Format, precision: Precision, target: TargetClass) -> bool:
    """True for OpenVINO's float kernels for x86: they want NHWC, and blocks of eight channels."""
    return format_ == "openvino" and precision != "int8" and target.startswith("x86")


# Where a variant is worth trying; everywhere if it is not named here.
WHERE: dict[str, Callable[[Format, Precision, TargetClass], bool]] = {
    # Pays where int8 has four times the throughput, or where a GPU cannot do narrow groups.
    "dense-all": lambda _, precision, target: (precision == "int8" and target in DOT_PRODUCT) or target == "mobile-gpu",
    "aligned-groups": lambda _f, _p, target: target == "mobile-gpu",
    # Fills the blocks of ONNX Runtime's float kernels; AVX-512's have sixteen channels, AVX2's eight.
    "packed": lambda format_, precision, target: format_ == "onnx" and precision != "int8" and target.startswith("x86"),
    "blocked": lambda format_, precision, target: format_ == "onnx" and precision != "int8" and target == "x86-avx2",
    # ONNX Runtime alone refuses other numbers of channels, in float and on x86.
    "padded": lambda format_, precision, target: (
        format_ == "onnx" and precision in ("fp32", "fp16") and target.startswith("x86")
    ),
    # What its int8 depthwise kernel for x86 takes at a time.
    "sixteens": lambda format_, precision, target: (
        format_ == "onnx" and precision == "int8" and target.startswith("x86")
    ),
    # int8 kernels of the others are slow at groups, and GPU delegates at narrow ones.
    "split-groups": lambda format_, precision, target: (
        target != "mobile-gpu" and (precision != "int8" or format_ == "tflite")
    ),
    # For ONNX Runtime's int8 kernels, which want NHWC.
    "dense-narrow": lambda format_, precision, _: format_ == "onnx" and precision == "int8",
    # For OpenVINO's, which are slow at linear layers and pools as well.
    "dense-narrow-pixel-linear": slow_at_linear,
    "dense-first-rows": float_wants_rows,
    "products-on-rows": float_wants_rows,
    # The other runtimes store every map as NCHW, or blocked.
    "rows": lambda format_, _p, _t: format_ == "tflite",
    "dense-rows": lambda format_, _p, _t: format_ == "tflite",
    "bare": lambda format_, precision, _: precision == "int8" and format_ != "tflite",
    "pixel-linear": slow_at_linear,
    "dense-first-pointwise": slow_at_linear,
    # Runtimes have a fused hard-swish in float; of the int8 ones only OpenVINO has.
    "gates": lambda format_, _p, _t: format_ == "openvino",
}


def worth_trying(name: str, format_: Format, precision: Precision, target: TargetClass) -> bool:
    """False for a variant that would lose there."""
    return name not in WHERE or WHERE[name](format_, precision, target)


def keeps_float(kept: str, target: TargetClass) -> bool:
    """True where leaving these layers in float may pay: with a dot product int8 is faster in every early layer."""
    return kept != "@early" or target not in (*DOT_PRODUCT, "mobile-gpu")
