"""Latency over time: one series per artifact and way of running it, with its change points and their commits."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...types import Summary
from ..compared.comparable import differences
from .change_points import MIN_SEGMENT, ChangePoint, change_points

BARS = "▁▂▃▄▅▆▇█"
SPARKS = 24
LAST = 256
"""Measurements of a series that are looked at unless more are asked for: one a night for eight months."""


@dataclass(frozen=True)
class Change:
    """A step of the latency.

    Attributes:
        index: the first measurement after it.
        p: how often chance does as much.
        before_ms, after_ms: median of the medians on each side, up to the next change.
        good, bad: the last measurement before and the first after.
        also: what else is known to have changed between them.
    """

    index: int
    p: float
    before_ms: float
    after_ms: float
    good: Summary
    bad: Summary
    also: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """After over before; above 1 = slower."""
        return self.after_ms / self.before_ms


@dataclass(frozen=True)
class Creep:
    """Latency that rose or fell in several steps on end.

    Attributes:
        ratio: after all steps over before the first.
        good: the last measurement before it began: a stretch that goes the same way itself belongs to it.
        bad: the first measurement at which it was over, or the last of all.
    """

    steps: int
    ratio: float
    good: Summary
    bad: Summary


@dataclass(frozen=True)
class Series:
    """The newest measurements of one artifact on one device, run one way, in the order of time.

    Attributes:
        older: how many more there are, which were not looked at.
    """

    points: tuple[Summary, ...]
    changes: tuple[Change, ...]
    older: int = 0

    @property
    def segments(self) -> list[tuple[int, int, float]]:
        """Begin, end (exclusive) and median of the medians, milliseconds, of each stretch between changes."""
        edges = [0, *(change.index for change in self.changes), len(self.points)]
        return [(a, b, statistics.median(m.p50_ms for m in self.points[a:b])) for a, b in pairwise(edges)]

    @property
    def ratio(self) -> float:
        """Level today over the level at first."""
        levels = self.segments
        return levels[-1][2] / levels[0][2]

    @property
    def creeps(self) -> list[Creep]:
        """Every run of two or more changes in one direction."""
        runs: list[list[Change]] = []
        for change in self.changes:
            if runs and (runs[-1][-1].ratio > 1) == (change.ratio > 1):
                runs[-1].append(change)
            else:
                runs.append([change])
        return [self.creep(run) for run in runs if len(run) > 1]

    def creep(self, run: Sequence[Change]) -> Creep:
        """Changes on end as one, widened to the stretches before and after that go the same way."""
        up = run[0].ratio > 1
        at = self.changes.index(run[0])
        before, after = self.segments[at], self.segments[at + len(run)]
        begins = trends([m.p50_ms for m in self.points[before[0] : before[1]]], up)
        ends = trends([m.p50_ms for m in self.points[after[0] : after[1]]], up)
        return Creep(
            steps=len(run),
            ratio=run[-1].after_ms / run[0].before_ms,
            good=self.points[before[0]] if begins else run[0].good,
            bad=self.points[after[1] - 1] if ends else run[-1].bad,
        )

    @property
    def spark(self) -> str:
        """The last medians as a line of bars, between the smallest and the largest of them."""
        values = [m.p50_ms for m in self.points[-SPARKS:]]
        low, span = min(values), max(values) - min(values)
        return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] if span else BARS[0] for value in values)


def trends(values: Sequence[float], up: bool) -> bool:
    """True when ``values`` rise (or fall) in their order by more than chance (Mann and Kendall, one-sided 5 %)."""
    count = len(values)
    if count < MIN_SEGMENT:
        return False
    score = sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return (score if up else -score) > 1.645 * deviation


def series_of(measurements: Iterable[Summary], last: int = LAST) -> list[Series]:
    """Series by device, model and key; emulated measurements are left out: their latency means nothing.

    Args:
        measurements: in any order.
        last: how many of each are looked at, the newest: the test for changes takes the square of it.
    """
    groups: dict[tuple[str, str, int], list[Summary]] = {}
    for m in measurements:
        if not m.emulated:
            groups.setdefault((m.device.id, m.key, m.batch), []).append(m)
    return [one_series(sorted(group, key=lambda m: m.moment), last) for _, group in sorted(groups.items())]


def one_series(every: Sequence[Summary], last: int) -> Series:
    """A series with its changes. Throttled measurements are shown but do not decide: they say how hot it was."""
    points = every[-last:]
    judged = [index for index, m in enumerate(points) if m.verdict.name != "throttled"]
    found = change_points([points[index].p50_ms for index in judged])
    edges = [0, *(point.index for point in found), len(judged)]
    levels = [
        statistics.median(points[judged[i]].p50_ms for i in range(a, b)) if b > a else 0.0 for a, b in pairwise(edges)
    ]
    changes = [
        change_at(points, judged, point, levels[number], levels[number + 1]) for number, point in enumerate(found)
    ]
    return Series(tuple(points), tuple(changes), len(every) - len(points))


def change_at(
    points: Sequence[Summary], judged: Sequence[int], point: ChangePoint, before_ms: float, after_ms: float
) -> Change:
    """A change point with the measurements around it."""
    good, bad = points[judged[point.index - 1]], points[judged[point.index]]
    return Change(judged[point.index], point.p, before_ms, after_ms, good, bad, tuple(also(good, bad)))


def also(good: Summary, bad: Summary) -> list[str]:
    """What else changed between two measurements; when nothing did, that is said too."""
    said = [str(difference) for difference in differences(good, bad)]
    if good.artifact_sha256 != bad.artifact_sha256:
        said.append(f"artifact: {good.artifact_sha256[:10]} against {bad.artifact_sha256[:10]}")
    return said or ["the artifact and the known conditions are the same: look at the device"]


def commits(good: Summary, bad: Summary) -> str:
    """Between which commits of the project, in words."""
    names = [
        None if m.revision is None else m.revision.commit[:10] + (" with changes" if m.revision.dirty else "")
        for m in (good, bad)
    ]
    if None in names:
        return "commits unknown"
    same = good.revision == bad.revision
    return f"within commit {names[0]}" if same else f"between commits {names[0]} and {names[1]}"


def git_range(good: Summary, bad: Summary) -> str:
    """The command that lists the commits in between, or an empty string."""
    if good.revision is None or bad.revision is None or good.revision.commit == bad.revision.commit:
        return ""
    return f"git log --oneline {good.revision.commit[:10]}..{bad.revision.commit[:10]}"
