"""The forms of a network that are worth measuring, for a format, a precision and a target class.

A form is an ordered list of rewrites and the layers that an int8 artifact keeps in float. A pass that finds nothing to
do changes nothing, so the list is the same for every network; forms that come out equal need no second measurement.
"""

from __future__ import annotations

from ..catalog import builtin_profile
from ..types import Format, Precision, TargetClass
from ..types.base import Frozen
from .catalogue import KEPT, VARIANTS, keeps_float, worth_trying


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
    """Forms to choose from, the built-in profile's own rewrites first.

    They build on the built-in profile: a project's own of the same name may have other rewrites, or none.
    """
    default = builtin_profile(format, precision).rewrites
    forms = [Form(name="default", rewrites=default, reason="the profile's own rewrites")]
    for name, early, late, reason in VARIANTS:
        if worth_trying(name, format, precision, target):
            forms.append(Form(name=name, rewrites=extended(default, early, late), reason=reason))
    if precision == "int8":
        by_name = {form.name: form for form in forms}
        for name, base, kept, only, reason in KEPT:
            if only == format and base in by_name and keeps_float(kept, target):
                forms.append(Form(name=name, rewrites=by_name[base].rewrites, keep_float=(kept,), reason=reason))
    return tuple(forms)


def all_in_int8(name: str, format: Format, precision: Precision, target: TargetClass) -> str:  # noqa: A002
    """The form with the same rewrites that keeps nothing in float; ``name`` itself where it is that one, or unknown."""
    forms = candidates(format, precision, target)
    rewrites = {form.name: form.rewrites for form in forms if form.keep_float}.get(name)
    return next((form.name for form in forms if not form.keep_float and form.rewrites == rewrites), name)


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
