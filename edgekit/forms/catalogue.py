"""The forms that a network can be written in, each with where it may pay.

What lost wherever it was measured would cost a conversion and a measurement for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..types import Format, Precision, TargetClass

Where = Callable[[Format, Precision, TargetClass], bool]
DOT_PRODUCT: tuple[TargetClass, ...] = ("x86-vnni", "armv8.2-dot")
BARE = (
    "hoist_batch_norm",
    "fold_batch_norm",
    "fold_channel_shuffle",
    "absorb_shuffle",
    "postpone_shuffle",
    "lower_batch_norm",
    "shuffle_as_gather",
)
"""The passes of a profile without which its format cannot be written, or only slowly."""


def everywhere(_format: Format, _precision: Precision, _target: TargetClass) -> bool:
    """True for every format, precision and target."""
    return True


def in_tflite(format_: Format, _precision: Precision, _target: TargetClass) -> bool:
    """True for TFLite."""
    return format_ == "tflite"


def slow_at_linear(format_: Format, precision: Precision, target: TargetClass) -> bool:
    """True where int8 linear layers are slow: in OpenVINO without a dot product."""
    return format_ == "openvino" and precision == "int8" and target not in DOT_PRODUCT


def float_wants_rows(format_: Format, precision: Precision, target: TargetClass) -> bool:
    """True for OpenVINO's float kernels for x86: they want NHWC, and blocks of eight channels."""
    return format_ == "openvino" and precision != "int8" and target.startswith("x86")


def int8_in_onnx(format_: Format, precision: Precision, _target: TargetClass) -> bool:
    """True where ONNX Runtime gains from a stem or groups in float; the others lose it again at the border."""
    return format_ == "onnx" and precision == "int8"


def int8_on_x86_in_onnx(format_: Format, precision: Precision, target: TargetClass) -> bool:
    """True for ONNX Runtime's int8 depthwise kernel for x86, which takes sixteen channels at a time."""
    return int8_in_onnx(format_, precision, target) and target.startswith("x86")


def slow_early(format_: Format, precision: Precision, target: TargetClass) -> bool:
    """True where TFLite's int8 is slow in early layers; with a dot product it is fast in every one."""
    return format_ == "tflite" and precision == "int8" and target not in (*DOT_PRODUCT, "mobile-gpu")


def splits_well(format_: Format, precision: Precision, target: TargetClass) -> bool:
    """True where two narrow convolutions cost no more than a dense one and a shuffle.

    Not in int8 on x86, but for TFLite, nor in OpenVINO's; a GPU's delegate is slow at narrow ones in any precision.
    """
    on_arm = format_ == "onnx" and target.startswith("arm")
    return target != "mobile-gpu" and (precision != "int8" or format_ == "tflite" or on_arm)


@dataclass(frozen=True)
class Form:
    """One way of writing a network: a profile's own rewrites with others among them, and layers left in float.

    Attributes:
        name: short, stable; goes into manifests and tables.
        only: passes of the profile that stay; None: all of them.
        before: passes added before shuffles are folded: what makes groups dense lets a shuffle fold.
        after: passes added after it.
        keep_float: layers left in float inside an int8 artifact: patterns on module paths, or ``@`` classes.
        where: whether it may pay for a format and precision on a target class.
        reason: one line for people.
    """

    name: str
    only: tuple[str, ...] | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    keep_float: tuple[str, ...] = ()
    where: Where = everywhere
    reason: str = ""

    def rewrites(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """The passes of a profile, ``own``, in this form.

        Passes that lower a batch norm come last: the norm lets the fold pass, a scale or a shift does not.
        """
        if self.only is not None:
            return tuple(name for name in own if name in self.only)
        if not self.before and not self.after:
            return own
        order = [name for name in own if name not in ("lower_batch_norm", *self.before, *self.after)]
        at = order.index("fold_batch_norm") + 1
        order[at:at] = self.before
        at = order.index("fold_channel_shuffle") + 1
        order[at:at] = self.after
        if "absorb_scale" in self.after or "lower_batch_norm" in own:
            last = "absorb_scale" if "absorb_scale" in order else "fold_channel_shuffle"
            order.insert(order.index(last) + 1, "lower_batch_norm")
        return tuple(order)


DEFAULT = Form("default", reason="the profile's own rewrites")
SPLIT_GROUPS = Form(
    "split-groups",
    before=("split_shuffled",),
    where=splits_well,
    reason="a convolution for each group that reads a shuffle: nothing to shuffle",
)
# The other runtimes store every map as NCHW, or blocked.
ROWS = Form(
    "rows",
    after=("absorb_scale", "pack_pixels_in_rows", "gather_rows"),
    where=in_tflite,
    reason="gathers of channels copy rows, and 3x3 groups with few outputs compute several pixels at once",
)
DENSE_ROWS = Form(
    "dense-rows",
    before=("dense_narrow_index",),
    after=("absorb_shuffle", "absorb_scale", "pack_pixels_in_rows", "gather_rows"),
    where=in_tflite,
    reason="rewritten as rows is, the narrowest gathers dense",
)
# What its int8 depthwise kernel for x86 takes at a time.
SIXTEENS = Form(
    "sixteens",
    before=("pad_depthwise",),
    where=lambda format_, precision, target: format_ == "onnx" and precision == "int8" and target.startswith("x86"),
    reason="hidden channels of depthwise convolutions filled up to a multiple of sixteen",
)
EARLY = "in float down to twice the height of the last map: few channels, where int8 kernels are no faster"

FORMS = (
    DEFAULT,
    Form(
        "bare",
        only=BARE,
        where=lambda format_, precision, _: precision == "int8" and format_ != "tflite",
        reason="BN folded and shuffles folded, nothing else",
    ),
    Form("shift", after=("absorb_scale",), reason="pre-activation BN as one addition"),
    # Runtimes have a fused hard-swish in float; of the int8 ones only OpenVINO has.
    Form(
        "gates",
        before=("absorb_hard_sigmoid_sixth", "absorb_hard_swish_sixth"),
        where=lambda format_, _p, _t: format_ == "openvino",
        reason="hard-swish and its gates as ReLU6 and a product, the sixth in the weights",
    ),
    Form(
        "pixel-linear",
        after=("linear_as_conv",),
        where=slow_at_linear,
        reason="linear layers on the pooled map as 1x1 convolutions",
    ),
    Form(
        "dense-first-pointwise",
        before=("densify_first_pointwise",),
        after=("absorb_shuffle", "pool_as_depthwise", "linear_as_conv"),
        where=slow_at_linear,
        reason=(
            "the 1x1 groups on the largest maps dense, their shuffles in the weights; pools, "
            "linear layers as convolutions"
        ),
    ),
    Form(
        "dense-shuffled",
        before=("densify_shuffled",),
        reason="convolutions before a shuffle dense, so that it folds away",
    ),
    SPLIT_GROUPS,
    Form(
        "dense-pointwise",
        before=("dense_index", "densify_pointwise"),
        after=("absorb_scale",),
        reason="no 1x1 groups, gathers or shuffles",
    ),
    Form(
        "dense-first", before=("densify_first_stage",), after=("absorb_scale",), reason="the narrowest 3x3 groups dense"
    ),
    # For ONNX Runtime's int8 kernels, which want NHWC.
    Form(
        "dense-narrow",
        before=("dense_narrow_index", "densify_narrow_spatial"),
        after=("absorb_shuffle", "absorb_scale", "pack_dense_pixels", "flatten_maps"),
        where=int8_in_onnx,
        reason=(
            "the narrowest groups and gathers dense, the rest of what happens between convolutions on rows of pixels"
        ),
    ),
    # For OpenVINO's int8 kernels, which are slow at linear layers and pools as well.
    Form(
        "dense-narrow-pixel-linear",
        before=("hoist_relu", "dense_narrow_index", "densify_narrow_spatial"),
        after=("absorb_shuffle", "absorb_scale", "flatten_maps", "pool_as_depthwise", "linear_as_conv"),
        where=slow_at_linear,
        reason=(
            "dense-narrow's groups and rows, each feature's ReLU computed once, pools and linear layers as convolutions"
        ),
    ),
    Form(
        "dense-first-rows",
        before=("densify_first_stage",),
        after=("absorb_shuffle", "absorb_scale", "pack_pixels_by_eight", "flatten_maps"),
        where=float_wants_rows,
        reason=(
            "the narrowest 3x3 groups dense, the next two pixels at once, gathers and concatenations on rows of pixels"
        ),
    ),
    Form(
        "products-on-rows",
        before=("densify_first_stage",),
        after=("absorb_shuffle", "absorb_scale", "pack_pixels_by_eight", "flatten_maps", "pointwise_on_rows"),
        where=float_wants_rows,
        reason="rewritten as dense-first-rows is, and 1x1 groups as matrix products on rows of pixels",
    ),
    ROWS,
    DENSE_ROWS,
    # Fills the blocks of ONNX Runtime's float kernels; AVX-512's have sixteen channels, AVX2's eight.
    Form(
        "packed",
        after=("pack_pixels",),
        where=lambda format_, precision, target: format_ == "onnx" and precision != "int8" and target.startswith("x86"),
        reason="3x3 groups with few outputs compute several pixels at once",
    ),
    Form(
        "blocked",
        before=("hoist_relu", "dense_narrow_index"),
        after=("absorb_shuffle", "pack_pixels_by_eight"),
        where=lambda format_, precision, target: format_ == "onnx" and precision != "int8" and target == "x86-avx2",
        reason="the narrowest gathers dense, and 3x3 groups filling blocks of eight channels with several pixels",
    ),
    SIXTEENS,
    # ONNX Runtime alone refuses other numbers of channels, in float and on x86.
    Form(
        "padded",
        after=("pad_hidden",),
        where=lambda format_, precision, target: (
            format_ == "onnx" and precision in ("fp32", "fp16") and target.startswith("x86")
        ),
        reason="hidden channels filled up to a multiple of four",
    ),
    # Pays where int8 has four times the throughput, or where a GPU cannot do narrow groups.
    Form(
        "dense-all",
        before=("dense_index", "densify_pointwise", "densify_spatial"),
        after=("absorb_scale",),
        where=lambda _, precision, target: (precision == "int8" and target in DOT_PRODUCT) or target == "mobile-gpu",
        reason="no groups at all",
    ),
    Form(
        "aligned-groups",
        before=("dense_index", "align_groups"),
        after=("absorb_shuffle", "absorb_scale"),
        where=lambda _f, _p, target: target == "mobile-gpu",
        reason="no gathers, and groups of whole vectors of channels, as GPU delegates need",
    ),
    Form("float-groups", keep_float=("@grouped-conv",), where=int8_in_onnx, reason="group convolutions in float"),
    Form(
        "float-stem",
        keep_float=("@stem",),
        where=int8_in_onnx,
        reason="the first convolution and the max pooling behind it in float",
    ),
    replace(
        SIXTEENS,
        name="sixteens-float-stem",
        keep_float=("@stem",),
        where=int8_on_x86_in_onnx,
        reason="what float-stem leaves in float; rewritten as sixteens is",
    ),
    Form("float-early", keep_float=("@early",), where=slow_early, reason=EARLY),
    replace(
        ROWS, name="rows-float-early", keep_float=("@early",), where=slow_early, reason=f"{EARLY}; rewritten as rows is"
    ),
    replace(
        DENSE_ROWS,
        name="dense-rows-float-early",
        keep_float=("@early",),
        where=slow_early,
        reason=f"{EARLY}; rewritten as dense-rows is",
    ),
    replace(
        SPLIT_GROUPS,
        name="split-groups-float-early",
        keep_float=("@early",),
        where=slow_early,
        reason=f"{EARLY}; rewritten as split-groups is",
    ),
)
"""In the order in which they are tried."""


def find(name: str) -> Form | None:
    """The form of that name; None where the catalogue has none."""
    return next((form for form in FORMS if form.name == name), None)


def worth_trying(name: str, format_: Format, precision: Precision, target: TargetClass) -> bool:
    """False for a form of the catalogue that would lose there; a form that only a table knows is taken at its word."""
    form = find(name)
    return form is None or form.where(format_, precision, target)
