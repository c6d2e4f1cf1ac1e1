"""What ``edgekit gate`` shows a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .console import say

if TYPE_CHECKING:
    from ...types import GateResult
    from ...verbs.gate import Pinned, Planned

STYLE = {
    "PASS": "green",
    "FAIL": "bold red",
    "INVALID": "red",
    "BROKEN_OFF": "red",
    "INCONCLUSIVE": "yellow",
    "NOT_COMPARABLE": "yellow",
}


def print_statuses(headings: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]) -> None:
    """A table whose first column is the status, on stderr; from the fifth column on it holds numbers.

    On a narrow terminal the columns that ``spare`` names are left out, the least wanted first.
    """
    from rich.text import Text

    from .tables import print_table

    told: list[list[str | Text]] = [[Text(status, style=STYLE[status]), *others] for status, *others in rows]
    print_table(headings, told, numbers=headings[4:], spare=spare)


def show_results(results: Sequence[GateResult]) -> None:
    """The table, and what is to be known of each result that is no PASS. It goes to stderr."""
    from ...reports.gate.words import HEADINGS, SPARE, headline, meaning, remarks, row

    print_statuses(HEADINGS, [row(result) for result in results], SPARE)
    for result in results:
        if result.status == "PASS":
            say(f"{result.name}: {result.reason}")
        else:
            say(f"{result.name}: {result.status}, {meaning(result)}")
            for line in remarks(result):
                say(f"  {line}")
    say(headline(results))


def show_plan(planned: Sequence[Planned]) -> None:
    """What would be measured, by which rule, and about how long it takes. It goes to stderr."""
    least = most = 0.0
    for one in planned:
        artifact, rule = one.candidate.artifact, one.rule
        pinned = one.baseline.pin
        cores = "" if one.cores is None else f" c{one.cores}"
        say(f"{artifact.model} {artifact.profile} {artifact.runtime} t{one.threads}{cores} on {one.device.id}")
        say(f"  candidate  {one.candidate.folder} ({artifact.sha256[:12]})")
        where = f"pinned {pinned.pinned_at[:10]}, {pinned.p50_ms:.3g} ms then" if pinned else "not pinned"
        say(f"  baseline   {one.baseline.stored.folder} ({one.baseline.stored.artifact.sha256[:12]}; {where})")
        say(
            f"  rule       FAIL above {rule.tolerance:.1%}, PASS below {rule.delta:.1%}, "
            f"looks after {', '.join(map(str, rule.looks))} pairs"
        )
        low, high = one.seconds(rule.looks[0]), one.seconds(rule.most_pairs)
        say(f"  time       about {low:.0f} to {high:.0f} s")
        least, most = least + low, most + high
    say(f"{len(planned)} gate{'s' if len(planned) != 1 else ''}, about {least / 60:.1f} to {most / 60:.1f} minutes")


def show_pinned(pinned: Sequence[Pinned]) -> None:
    """The baselines that have changed. It goes to stderr."""
    for one in pinned:
        change = "new" if one.replaced is None else f"was {one.replaced[:12]}"
        say(f"pinned {one.key}: {one.sha256[:12]} ({change}), {one.p50_ms:.3g} ms, {one.verdict}")
        say(f"  {one.folder}")
    say("commit the folder: it is what every later run is compared with")
