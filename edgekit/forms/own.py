"""The forms of a user's own network: those that choose rewrites alone, for no layer of it has a name that we know."""

from __future__ import annotations

from ..types import ExportProfile, TargetClass
from .offered import offered_forms
from .resolve import AS_WRITTEN, BEST_KNOWN, DEFAULT, target_of, with_form
from .unknown import unknown_form

NO_REWRITES = "no-rewrites"
"""The network as its code has it: the converters' own work, without our passes."""
ALL_INT8 = "all-int8"
"""Nothing stays in float for the sake of accuracy or speed."""


def own_forms(profile: ExportProfile, target: TargetClass) -> dict[str, ExportProfile]:
    """The profile in every form that a network of one's own has, by name; the profile's own rewrites first."""
    base = profile.model_copy(update={"form": AS_WRITTEN})
    forms = {AS_WRITTEN: base}
    if profile.precision == "int8":
        forms[ALL_INT8] = base.model_copy(update={"form": ALL_INT8})
    for form in offered_forms(profile.format, profile.precision, target):
        if not form.keep_float and form.name != DEFAULT:
            forms[form.name] = with_form(base, form.name, form.rewrites, ())
    forms[NO_REWRITES] = with_form(base, NO_REWRITES, (), ())
    return forms


def own_form(profile: ExportProfile) -> ExportProfile:
    """The profile in the form that it asks for; in its own where it asks for the best one, for none is known.

    Raises:
        UsageError: there is no form of that name, or none for the target.
    """
    target = target_of(profile)
    forms = own_forms(profile, target)
    name = AS_WRITTEN if profile.form in (BEST_KNOWN, DEFAULT) else profile.form
    if name not in forms:
        raise unknown_form(profile, name, forms, target)
    return forms[name]
