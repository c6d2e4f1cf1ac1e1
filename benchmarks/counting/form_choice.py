"""Which form the counts choose, and the tables of defaults that follow from the choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean
from typing import Any

from benchmarks.places import ROOT
from edgekit.catalog import load_toml
from edgekit.forms.known import key, render
from edgekit.types import FormTable, KnownForm, TargetClass
from edgekit.types.tuning import CountedEvidence

MARGIN = 0.005
"""Another form than the first has to take so many fewer of the estimated cycles: less is no reason to change."""
DEFAULTS = ROOT / "export_profiles" / "defaults"
HEAD = """\
# {title}. Nothing was measured on one yet.
# What stands here was counted on a simulated {core} (docs/explanation/counting.md): of the forms that were counted,
# the one of the fewest estimated cycles, against the library's own export ("plain"); the figures are in
# docs/results/counting.md, and `python -m benchmarks.counting.forms --write` brings these lines up to them. What does
# not stand here is taken over from {otherwise}; whether int8 pays is left open.
"""
TITLES: dict[TargetClass, str] = {
    "armv8.0": "64-bit ARM without an int8 dot product (Cortex-A53, A72)",
    "armv8.2-dot": "64-bit ARM with an int8 dot product (Cortex-A55, A76)",
}


@dataclass(frozen=True)
class Choice:
    """A row with the form that its counts choose.

    Attributes:
        row: as ``benchmarks/results/forms.json`` has it.
        form: the chosen one's name and figures.
    """

    row: dict[str, Any]
    form: dict[str, Any]

    @property
    def cycles(self) -> float:
        """Estimated cycles, ours over those of the plain export."""
        return float(self.form["cycles"] / self.row["plain"]["cycles"])

    @property
    def instructions(self) -> float:
        """Likewise instructions."""
        return float(self.form["instructions"] / self.row["plain"]["instructions"])

    @property
    def others(self) -> list[dict[str, Any]]:
        """The other forms that were counted, the best first."""
        return [form for form in counted_forms(self.row) if form is not self.form]


def counted_forms(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The forms of a row that were counted, by estimated cycles."""
    return sorted((form for form in row["forms"] if form["outcome"] == "counted"), key=lambda form: form["cycles"])


def choose(row: dict[str, Any]) -> Choice:
    """The form of the fewest estimated cycles; the profile's own where it is within :data:`MARGIN`.

    Raises:
        ValueError: no form was counted.
    """
    forms = counted_forms(row)
    if not forms:
        raise ValueError(f"no form of {row['model']} {row['format']} {row['precision']} was counted")
    near = [form for form in forms if form["cycles"] * (1 - MARGIN) <= forms[0]["cycles"]]
    return Choice(row, next((form for form in near if form["name"] == "default"), forms[0]))


def mean_ratio(choices: Iterable[Choice]) -> float:
    """Geometric mean of the plain export's estimated cycles over ours: above 1, ours takes fewer."""
    return 1 / geometric_mean(one.cycles for one in choices)


def line(choice: Choice) -> KnownForm:
    """The line of a table that rests on a choice."""
    row = choice.row
    others = [f"{one['name']} {one['cycles'] / choice.form['cycles']:.2f}x its cycles" for one in choice.others[:2]]
    return KnownForm(
        network=row["family"],
        format=row["format"],
        precision=row["precision"],
        form=choice.form["name"],
        measured=False,
        against="plain",
        counted=CountedEvidence(
            instructions=round(1 / choice.instructions, 3),
            cycles=round(1 / choice.cycles, 3),
            model=row["model"],
            core=row["core"],
            runtime_version=row["runtime_version"],
            date=row["date"],
        ),
        note="; ".join(others) if others else "the only form that was counted",
    )


def tables(rows: Sequence[dict[str, Any]], shipped: Mapping[TargetClass, FormTable]) -> dict[TargetClass, str]:
    """Each target's table of defaults: a line for each row, and the shipped ones that no row is about."""
    made: dict[TargetClass, str] = {}
    for target, table in shipped.items():
        chosen = [choose(row) for row in rows if row["target"] == target]
        lines = {key(one): one for one in (*table.known, *(line(one) for one in chosen))}
        cores = {one.row["core"].capitalize().replace("-a", "-A") for one in chosen}
        head = HEAD.format(title=TITLES[target], core=" and ".join(sorted(cores)), otherwise=table.otherwise)
        known = tuple(sorted(lines.values(), key=lambda one: (one.precision, one.format, one.network)))
        made[target] = head + render(table.model_copy(update={"known": known}))
    return made


def shipped_tables() -> dict[TargetClass, FormTable]:
    """The tables as the repository has them, by target."""
    return {target: load_toml(DEFAULTS / f"{target}.toml", FormTable) for target in TITLES}
