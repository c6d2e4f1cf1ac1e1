"""What measurements and tables of defaults decided about an artifact, as text."""

from __future__ import annotations

from collections.abc import Sequence

from ...types import Artifact, Int8VsFloat, Ratio, TriedForm, Tuning


def form_lines(artifact: Artifact) -> list[str]:
    """Which form was taken, by whom, and what that rests on; tuning speaks for itself elsewhere."""
    form = artifact.form
    if form is None or form.by == "tuning" or form.name == "as-written":
        return []
    words = [f"form of {artifact.model} {artifact.profile}: {form.name}"]
    if form.measured_on is not None and form.evidence is not None:
        seen = form.evidence
        spread = "" if seen.low is None else f" ({seen.low:.2f} to {seen.high:.2f})"
        words.append(f"{seen.ratio:.2f}x{spread} as fast as {form.against}, on {form.measured_on} with {seen.model}")
    if form.note:
        words.append(form.note)
    return ["; ".join(words)]


def measured_lines(artifact: Artifact) -> list[str]:
    """The forms that were measured, and int8 against float."""
    lines = [] if artifact.tuning is None else tuning_lines(artifact.tuning)
    return lines + ([] if artifact.int8_vs_float is None else int8_lines(artifact.int8_vs_float))


def tuning_lines(tuning: Tuning) -> list[str]:
    """A table of the forms, and the reason for the choice."""
    place = tuning.conditions
    same = [form for form in tuning.forms if form.outcome == "same graph"]
    listed = [form for form in tuning.forms if form.outcome != "same graph"]
    width = max((len(form.name) for form in listed), default=0)
    where = f"{place.target}, {place.cpu}, {place.runtime} {place.runtime_version}, {place.workers}"
    return [
        f"tuned   on {place.device}: {where}",
        *(f"        {form.name:<{width}}  {columns(form, tuning)}" for form in listed),
        *same_lines(same),
        f"        {tuning.reason}",
    ]


def same_lines(forms: Sequence[TriedForm]) -> list[str]:
    """The forms that came to the same file as another: those of one reason in a line."""
    names: dict[str, list[str]] = {}
    for form in forms:
        names.setdefault(first_line(form.reason), []).append(form.name)
    return [f"        {', '.join(named)}: same graph: {reason}" for reason, named in names.items()]


def columns(form: TriedForm, tuning: Tuning) -> str:
    """One form: its latency, its ratio, and what was concluded."""
    taken = " <- taken" if form.name == tuning.choice else ""
    if form.p50_ms is None:
        return f"{form.outcome}: {first_line(form.reason)}"
    ratio = "1" if form.ratio is None else text_of(form.ratio)
    in_float = f", {form.float_macs:.1%} of MACs in float" if form.float_macs else ""
    return f"{form.p50_ms:8.2f} ms  {ratio:<32} {form.outcome}{in_float}{taken}"


def int8_lines(found: Int8VsFloat) -> list[str]:
    """Whether int8 pays, and where not, what costs it."""
    words = {
        "faster": "int8 is faster than float32",
        "no faster": "int8 is no faster than float32",
        "slower": "int8 is slower than float32",
        "undecided": "too noisy to tell whether int8 is faster than float32",
    }[found.speed]
    said = f"the device is overloaded, {found.overload}" if found.overload else text_of(found.ratio)
    return [f"int8    {words}: {said}", *(f"        {cost}" for cost in found.costs)]


def text_of(ratio: Ratio) -> str:
    """``1.12x (1.10 to 1.14, 10 pairs)``."""
    return f"{ratio.ratio:.2f}x ({ratio.low:.2f} to {ratio.high:.2f}, {ratio.pairs} pairs)"


def first_line(text: str) -> str:
    """So that a table stays one."""
    return (text.splitlines() or [""])[0]
