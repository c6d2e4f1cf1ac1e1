"""The trend in words."""

from __future__ import annotations

from collections.abc import Sequence

from ...base.stats import percent
from ...types import Summary
from ..table import milliseconds
from .change_points import MIN_SEGMENT
from .trend import Change, Creep, Series, commits

ENOUGH = 2 * MIN_SEGMENT


def name(series: Series) -> str:
    """Model and profile."""
    m = series.points[-1]
    return f"{m.model} {m.profile}"


def way(m: Summary) -> str:
    """How it was run."""
    batch = "" if m.batch == 1 else f", batch {m.batch}"
    return f"{m.runtime} on {m.accelerator}, {m.threads} thread{'' if m.threads == 1 else 's'}{m.on_cores}{batch}"


def verdict(series: Series) -> str:
    """The series in a few words."""
    if len(series.points) < ENOUGH:
        return f"too few to tell, {ENOUGH} are needed"
    if not series.changes:
        return "no change"
    count = len(series.changes)
    return f"{percent(series.ratio)} in {count} step{'' if count == 1 else 's'}"


def headline(series: Sequence[Series]) -> str:
    """How many series are slower and faster than at first: what the page begins with."""
    few = sum(len(one.points) < ENOUGH for one in series)
    slower = sum(bool(one.changes) and one.ratio > 1 for one in series)
    faster = sum(bool(one.changes) for one in series) - slower
    counts = ((slower, "slower than at first"), (faster, "faster"), (few, "with too few measurements to tell"))
    told = [f"{count} {words}" for count, words in counts if count]
    return f"Of {len(series)} series {', '.join(told)}" if told else f"None of {len(series)} series has changed"


def change_line(change: Change) -> str:
    """A step: how much, when, between which commits, and what else changed."""
    word = "slower" if change.ratio > 1 else "faster"
    before, after = milliseconds(change.before_ms), milliseconds(change.after_ms, like=change.before_ms)
    when = f"{change.good.measured_at[:10]} to {change.bad.measured_at[:10]}"
    return (
        f"{abs(change.ratio - 1):.1%} {word} ({before} to {after} ms, p {change.p:.3f}), {when}, "
        f"{commits(change.good, change.bad)}; {'; '.join(change.also)}"
    )


def creep_line(creep: Creep) -> str:
    """Several steps on end as one."""
    word = "rose" if creep.ratio > 1 else "fell"
    when = f"{creep.good.measured_at[:10]} to {creep.bad.measured_at[:10]}"
    where = commits(creep.good, creep.bad)
    return f"crept: it {word} by {percent(creep.ratio)} in {creep.steps} steps, {when}, {where}"
