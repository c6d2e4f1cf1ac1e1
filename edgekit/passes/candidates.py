"""The forms of a network that are worth measuring, for a format, a precision and a target class.

A form is an ordered list of rewrites and the layers that an int8 artifact keeps in float. A pass that finds nothing to
do changes nothing, so the list is the same for every network; forms that come out equal need no second measurement.
"""

from __future__ import annotations

from ..catalog import profile_for
from ..types import Format, Precision, TargetClass
from ..types.base import Frozen

DOT_PRODUCT: tuple[TargetClass, ...] = ("x86-vnni", "armv8.2-dot")


class Form(Frozen):
    """One way of writing a network.

    Attributes:
        name: short, stable; goes into manifests and tables.
        rewrites: names of passes, in order (see ``pipeline.PASSES``).
        keep_float: layers left in float inside an int8 artifact: patterns on module paths, or ``@`` classes.
        reason: one line for people.
    """

    name: str
    rewrites: tuple[str, ...] = ()
    keep_float: tuple[str, ...] = ()
    reason: str


def candidates(format: Format, precision: Precision, target: TargetClass) -> tuple[Form, ...]:  # noqa: A002
    """Forms to choose from, the profile's own rewrites first."""
    default = profile_for(format, precision).rewrites
    forms = [Form(name="default", rewrites=default, reason="the profile's own rewrites")]
    for name, early, late, reason in VARIANTS:
        if worth_trying(name, format, precision, target):
            forms.append(Form(name=name, rewrites=extended(default, early, late), reason=reason))
    if precision == "int8":
        by_name = {form.name: form for form in forms}
        for name, base, kept, only, reason in KEPT:
            # With a dot product int8 is faster in every layer.
            if only == format and base in by_name and not (kept == "@early" and target in (*DOT_PRODUCT, "mobile-gpu")):
                forms.append(Form(name=name, rewrites=by_name[base].rewrites, keep_float=(kept,), reason=reason))
    return tuple(forms)


def all_in_int8(name: str, format: Format, precision: Precision, target: TargetClass) -> str:  # noqa: A002
    """The form with the same rewrites that keeps nothing in float; ``name`` itself where it is that one, or unknown."""
    forms = candidates(format, precision, target)
    rewrites = {form.name: form.rewrites for form in forms if form.keep_float}.get(name)
    return next((form.name for form in forms if not form.keep_float and form.rewrites == rewrites), name)


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
        "the 1x1 groups on the largest maps dense, with their shuffles in the weights; pools and linear layers as "
        "convolutions",
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
        "dense-narrow's groups and rows of pixels, each feature's ReLU computed once, pools and linear layers as "
        "convolutions",
    ),
    (
        "dense-first-rows",
        ("densify_first_stage",),
        ("absorb_shuffle", "absorb_scale", "flatten_maps"),
        "the narrowest 3x3 groups dense, gathers and concatenations on rows of pixels",
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


def worth_trying(name: str, format_: Format, precision: Precision, target: TargetClass) -> bool:
    """False for what lost wherever it was measured; it would cost a conversion and a measurement for nothing."""
    if name == "dense-all":  # pays where int8 has four times the throughput, or where a GPU cannot do narrow groups
        return (precision == "int8" and target in DOT_PRODUCT) or target == "mobile-gpu"
    if name == "aligned-groups":
        return target == "mobile-gpu"
    if name == "packed":  # fills the blocks of ONNX Runtime's float kernels
        return format_ == "onnx" and precision != "int8" and target.startswith("x86")
    if name == "blocked":  # AVX-512's blocks have sixteen channels
        return format_ == "onnx" and precision != "int8" and target == "x86-avx2"
    if name == "padded":  # ONNX Runtime alone refuses other numbers of channels, in float and on x86
        return format_ == "onnx" and precision in ("fp32", "fp16") and target.startswith("x86")
    if name == "sixteens":  # what ONNX Runtime's int8 depthwise kernel for x86 takes at a time
        return format_ == "onnx" and precision == "int8" and target.startswith("x86")
    if name == "split-groups":  # int8 kernels of the others are slow at groups, and GPU delegates at narrow ones
        return target != "mobile-gpu" and (precision != "int8" or format_ == "tflite")
    if name == "dense-narrow":  # for ONNX Runtime's int8 kernels, which want NHWC
        return format_ == "onnx" and precision == "int8"
    if name == "dense-narrow-pixel-linear":  # for OpenVINO's, which are slow at linear layers and pools as well
        return format_ == "openvino" and precision == "int8" and target not in DOT_PRODUCT
    if name == "dense-first-rows":  # OpenVINO's float kernels store maps in blocks
        return format_ == "openvino" and precision != "int8"
    if name in ("rows", "dense-rows"):  # the other runtimes store every map as NCHW, or blocked
        return format_ == "tflite"
    if name == "bare":
        return precision == "int8" and format_ != "tflite"
    if name in ("pixel-linear", "dense-first-pointwise"):  # float and a dot product have kernels for linear layers
        return format_ == "openvino" and precision == "int8" and target not in DOT_PRODUCT
    if name == "gates":  # runtimes have a fused hard-swish in float; of the int8 ones only OpenVINO has
        return format_ == "openvino"
    return True


def extended(rewrites: tuple[str, ...], early: tuple[str, ...], late: tuple[str, ...]) -> tuple[str, ...]:
    """``rewrites`` with ``early`` and ``late`` on the two sides of ``fold_channel_shuffle``.

    What makes groups dense lets a shuffle fold, and a BN lets the fold pass; a scale or a shift does not.
    """
    if not early and not late:
        return tuple(name for name in rewrites if name in BARE)
    order = [name for name in rewrites if name not in ("lower_batch_norm", *early, *late)]
    at = order.index("fold_batch_norm") + 1
    order[at:at] = early
    at = order.index("fold_channel_shuffle") + 1
    order[at:at] = late
    if "absorb_scale" in late or "lower_batch_norm" in rewrites:
        last = "absorb_scale" if "absorb_scale" in order else "fold_channel_shuffle"
        order.insert(order.index(last) + 1, "lower_batch_norm")
    return tuple(order)


BARE = (
    "hoist_batch_norm",
    "fold_batch_norm",
    "fold_channel_shuffle",
    "absorb_shuffle",
    "postpone_shuffle",
    "lower_batch_norm",
    "shuffle_as_gather",
)
