"""Which form of a network an export takes: as the profile is written, by name, or the best one that is known."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.target import host_target
from ..catalog import builtin_profile, profile_for
from ..errors import UsageError
from ..types import ChosenForm, Evidence, ExportProfile, ModelCard, TargetClass
from .known import Found, find_form
from .offered import offered_forms
from .profiles import derived
from .unknown import listed, unknown_form

AS_WRITTEN, BEST_KNOWN, DEFAULT = "as-written", "best-known", "default"


@dataclass(frozen=True)
class Resolved:
    """A profile whose rewrites are those to be applied; ``note`` tells when it is not the one that was asked for."""

    profile: ExportProfile
    note: str = ""


def target_of(profile: ExportProfile) -> TargetClass:
    """The target class that a profile means on this machine.

    Raises:
        ToolError: this machine has none.
    """
    return host_target() if profile.target == "host" else profile.target


def resolve(card: ModelCard, profile: ExportProfile, float_instead: bool = True) -> Resolved:
    """The profile with the form that it asks for.

    The best known form replaces the default rewrites only; others were written on purpose, none at all too.

    Args:
        card: the network.
        profile: as the catalog or the command line has it.
        float_instead: take the precision that the table has in place of int8 where int8 is known not to pay.

    Raises:
        UsageError: there is no form of that name, or a table of defaults is invalid.
    """
    own = profile.rewrites != builtin_profile(profile.format, profile.precision).rewrites
    if profile.form == AS_WRITTEN or (profile.form == BEST_KNOWN and own):
        return Resolved(profile.model_copy(update={"form": AS_WRITTEN}))
    target = target_of(profile)
    found = find_form(card, profile, target)
    if profile.form != BEST_KNOWN:
        return Resolved(named(profile, profile.form, found, target))
    if found is None:
        return Resolved(profile.model_copy(update={"form": DEFAULT}))
    if found.known.takes is not None and float_instead:
        other = profile_for(profile.format, found.known.takes).model_copy(update={"target": profile.target})
        same = {"opset": profile.opset, "ir_version": profile.ir_version}
        other = derived(other, {"bake_preprocess": profile.bake_preprocess or None, **same})
        return Resolved(resolve(card, other).profile, f"{other.name} instead of {profile.name}: {why_float(found)}")
    return Resolved(of_table(profile, found, target))


def named(profile: ExportProfile, name: str, found: Found | None, target: TargetClass) -> ExportProfile:
    """The profile in the form called ``name``: the profile's own, one that edgekit offers, or the table's."""
    if name == DEFAULT:
        return profile.model_copy(update={"form": DEFAULT})
    if found is not None and found.known.form == name and found.known.rewrites is not None:
        return of_table(profile, found, target)
    forms = {form.name: form for form in offered_forms(profile.format, profile.precision, target)}
    if name not in forms:
        raise unknown_form(profile, name, {*forms, DEFAULT, BEST_KNOWN}, target)
    return with_form(profile, name, forms[name].rewrites, forms[name].keep_float)


def of_table(profile: ExportProfile, found: Found, target: TargetClass) -> ExportProfile:
    """The profile in a form of the table."""
    known = found.known
    if known.rewrites is not None:
        return with_form(profile, known.form, known.rewrites, known.keep_float)
    forms = {form.name: form for form in offered_forms(profile.format, profile.precision, target)}
    if known.form == DEFAULT:
        return profile.model_copy(update={"form": DEFAULT})
    if known.form not in forms:
        raise UsageError(
            f"{found.path}: unknown form {known.form!r} of {known.network} {known.format} {known.precision}",
            listed(known.form, {*forms, DEFAULT}),
        )
    return with_form(profile, known.form, forms[known.form].rewrites, forms[known.form].keep_float)


def with_form(
    profile: ExportProfile, name: str, rewrites: tuple[str, ...], keep_float: tuple[str, ...]
) -> ExportProfile:
    """The profile with another form's rewrites; what the profile itself keeps in float stays in float."""
    update: dict[str, object] = {"form": name, "rewrites": rewrites}
    if profile.quantization is not None:
        kept = tuple(dict.fromkeys([*profile.quantization.keep_float, *keep_float]))
        update["quantization"] = profile.quantization.model_copy(update={"keep_float": kept})
    return profile.model_copy(update=update)


def kept_in_float(profile: ExportProfile) -> tuple[str, ...]:
    """The layers that an int8 profile leaves in float; other profiles have none."""
    return () if profile.quantization is None else profile.quantization.keep_float


def describe_form(card: ModelCard, profile: ExportProfile, target: TargetClass) -> ChosenForm:
    """For the manifest: the form of a resolved profile, and its entry in the tables."""
    if profile.form == AS_WRITTEN:
        return ChosenForm(name=AS_WRITTEN, by="profile")
    found = find_form(card, profile, target)
    if found is None:
        note = f"no form of {card.family} was measured on {target} for {profile.format} {profile.precision}"
        return ChosenForm(name=profile.form, by="profile" if profile.form == DEFAULT else "name", note=note)
    if found.known.form != profile.form:
        return ChosenForm(name=profile.form, by="name", note=f"the best known form is {found.known.form}")
    note = found.known.note
    if found.measured_on is None:
        note = f"not measured on {target}: {'; '.join(filter(None, (counted_words(found), note)))}"
    elif found.measured_on != target:
        note = f"measured on {found.measured_on}, not on {target}" + (f": {note}" if note else "")
    return ChosenForm(
        name=profile.form,
        by="table",
        measured_on=found.measured_on,
        evidence=found.known.evidence,
        against=found.known.against if found.known.evidence is not None else "",
        note="; ".join(filter(None, (note, slow_int8(found, target)))),
    )


def counted_words(found: Found) -> str:
    """What counts on a simulated core say of a form; empty where nothing was counted."""
    counted = found.known.counted
    if counted is None:
        return ""
    return (
        f"counted on a simulated {counted.core}, {found.known.against} executes {counted.instructions:.2f}x the "
        f"instructions and takes {counted.cycles:.2f}x the estimated cycles of it"
    )


def slow_int8(found: Found, target: TargetClass) -> str:
    """A warning where int8 is known to be slower than float on ``target``; else empty."""
    seen = found.known.int8_vs_float
    if seen is None or (seen.high or seen.ratio) >= 1:
        return ""
    return f"int8 is slower than float32 on {target}: float32 / int8 latency {text_of(seen)}"


def why_float(found: Found) -> str:
    """Why the table takes float where int8 was asked for, and how to get int8 all the same."""
    known, seen = found.known, found.known.int8_vs_float
    if seen is None:
        measured = known.note
    else:
        measured = f"float32 / int8 latency {text_of(seen)}" + (f" ({known.note})" if known.note else "")
    return f"int8 does not pay here: {measured}; --form {known.form} makes int8 all the same"


def text_of(evidence: Evidence) -> str:
    """``0.83x (0.81 to 0.85, 10 pairs; mobilenet_v3_large_1.0, AMD EPYC, 2.3.0, 2026-11-24)``."""
    where = (evidence.model, evidence.cpu, evidence.runtime_version, evidence.date)
    places = ", ".join(part for part in where if part)
    spread = "" if evidence.low is None else f"{evidence.low:.2f} to {evidence.high:.2f}, {evidence.pairs} pairs; "
    return f"{evidence.ratio:.2f}x ({spread}{places})"
