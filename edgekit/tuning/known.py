"""Turn a tuning into a line of the user's table of defaults."""

from __future__ import annotations

from ..forms.resolve import AS_WRITTEN, kept_in_float
from ..types import Evidence, ExportProfile, Int8VsFloat, KnownForm, ModelCard, Ratio, Tuning, TuningConditions


def known_form(
    card: ModelCard, profile: ExportProfile, tuning: Tuning, against: Int8VsFloat | None
) -> KnownForm | None:
    """The form for later exports of the network; None when the tuning decided nothing about them.

    A base that stayed rests on its closest rival: the ratio is the rival's latency over that of the base.
    """
    if profile.form == AS_WRITTEN:  # the user's own profile stays the best: no default changes
        return None
    rivals = [form for form in tuning.forms if form.ratio is not None]
    if any(form.outcome == "undecided" for form in tuning.forms) and tuning.choice == tuning.base:
        return None
    evidence, other = None, tuning.base
    if tuning.choice != tuning.base:
        ratio = next(form.ratio for form in rivals if form.name == tuning.choice)
        assert ratio is not None
        evidence = evidence_of(ratio, tuning.conditions)
    elif rivals:
        closest = max(rivals, key=lambda form: form.ratio.ratio if form.ratio else 0.0)
        assert closest.ratio is not None
        evidence, other = evidence_of(inverse(closest.ratio), tuning.conditions), closest.name
    int8 = None if against is None or against.overload else evidence_of(against.ratio, against.conditions)
    if evidence is None and int8 is None:
        return None
    return KnownForm(
        network=card.id,
        format=profile.format,
        precision=profile.precision,
        form=profile.form,
        rewrites=profile.rewrites,
        keep_float=kept_in_float(profile),
        measured=True,
        against=other,
        evidence=evidence,
        int8_vs_float=int8,
    )


def inverse(ratio: Ratio) -> Ratio:
    """The same comparison, seen from the other side."""
    return ratio.model_copy(update={"ratio": 1 / ratio.ratio, "low": 1 / ratio.high, "high": 1 / ratio.low})


def evidence_of(ratio: Ratio, conditions: TuningConditions) -> Evidence:
    """A ratio with where it comes from, for a table."""
    return Evidence(
        ratio=round(ratio.ratio, 3),
        low=round(ratio.low, 3),
        high=round(ratio.high, 3),
        pairs=ratio.pairs,
        model=conditions.model,
        cpu=conditions.cpu,
        runtime_version=conditions.runtime_version,
        threads=conditions.threads,
        cores=conditions.cores,
        date=conditions.date,
    )
