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
    """Forms to choose from, the present default first."""
    default = profile_for(format, precision).rewrites
    forms = [Form(name="default", rewrites=default, reason="the profile's own rewrites")]
    for name, early, late, reason in VARIANTS:
        # Four times the MACs everywhere can only pay where int8 has four times the throughput.
        if name != "dense-all" or (precision == "int8" and target in DOT_PRODUCT):
            forms.append(Form(name=name, rewrites=extended(default, early, late), reason=reason))
    return tuple(forms)


VARIANTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...] = (
    ("shift", (), ("absorb_scale",), "pre-activation BN as one addition"),
    ("dense-shuffled", ("densify_shuffled",), (), "convolutions before a shuffle dense, so that it folds away"),
    ("dense-pointwise", ("dense_index", "densify_pointwise"), ("absorb_scale",), "no 1x1 groups, gathers or shuffles"),
    ("dense-first", ("densify_first_stage",), ("absorb_scale",), "the narrowest 3x3 groups dense"),
    ("dense-all", ("dense_index", "densify_pointwise", "densify_spatial"), ("absorb_scale",), "no groups at all"),
)


def extended(rewrites: tuple[str, ...], early: tuple[str, ...], late: tuple[str, ...]) -> tuple[str, ...]:
    """``rewrites`` with ``early`` behind the BN folding, where shuffles still stand, and ``late`` behind their folding."""
    order = [name for name in rewrites if name != "lower_batch_norm"]
    at = order.index("fold_batch_norm") + 1
    order[at:at] = early
    at = order.index("fold_channel_shuffle") + 1
    # Both take what BN is left, absorb_scale first; a BN lets a shuffle's fold pass, a scale or a shift does not.
    order[at:at] = (*late, "lower_batch_norm")
    return tuple(order)
