"""The forms of a network that are worth measuring, for a format, a precision and a target class.

A pass that finds nothing to do changes nothing, so the list is the same for every network; forms that come out equal
need no second measurement.
"""

from __future__ import annotations

from ..catalog import builtin_profile
from ..types import Format, Precision, TargetClass
from ..types.base import Frozen
from .catalogue import FORMS


class WrittenForm(Frozen):
    """A form of the catalogue, written out for a format and precision.

    Attributes:
        name: of the form.
        rewrites: names of passes, in order (see ``pipeline.PASSES``).
        keep_float: layers left in float inside an int8 artifact: patterns on module paths, or ``@`` classes.
        reason: one line for people.
    """

    name: str
    rewrites: tuple[str, ...] = ()
    keep_float: tuple[str, ...] = ()
    reason: str


def offered_forms(format: Format, precision: Precision, target: TargetClass) -> tuple[WrittenForm, ...]:  # noqa: A002
    """Forms to choose from, the built-in profile's own rewrites first.

    They build on the built-in profile: a project's own of the same name may have other rewrites, or none.
    """
    own = builtin_profile(format, precision).rewrites
    return tuple(
        WrittenForm(name=form.name, rewrites=form.rewrites(own), keep_float=form.keep_float, reason=form.reason)
        for form in FORMS
        if form.where(format, precision, target)
    )


def all_in_int8(name: str, format: Format, precision: Precision, target: TargetClass) -> str:  # noqa: A002
    """The form with the same rewrites that keeps nothing in float; ``name`` itself where it is that one, or unknown."""
    forms = offered_forms(format, precision, target)
    rewrites = {form.name: form.rewrites for form in forms if form.keep_float}.get(name)
    return next((form.name for form in forms if not form.keep_float and form.rewrites == rewrites), name)
