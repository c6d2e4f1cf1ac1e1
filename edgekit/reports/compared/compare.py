"""Two measurements against each other: B over A with an interval, and the operators that explain it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...base.stats import CONFIDENCE, SMALLEST, median_ratio, tail_ratio
from ...errors import InconclusiveError, ToolError
from ...types import Measurement, OpTime, Ratio
from .comparable import require_comparable
from .operators import OpChange, by_operator, by_type

SAMPLES_ALONE = (
    "one launch of each: the interval knows only their samples. What differs from launch to launch and from day to day "
    "is not in it, so the uncertainty is at least this"
)
Word = Literal["faster", "slower", "no difference seen", "too noisy to tell"]
TAIL_RATIO = 1.25
"""A launch met a busy machine when its 90th percentile exceeds its median by more than this factor."""
BUSY_SHARE = 0.5
"""With a larger share of busy launches, a median falls sometimes into the quiet and sometimes into the interrupted
samples.
"""


@dataclass(frozen=True)
class Side:
    """One of the two: a measurement, or several launches of an artifact, of which ``measurement`` is the first."""

    measurement: Measurement
    launches: tuple[Measurement, ...]

    @property
    def p50_ms(self) -> float:
        """Median over the launches of their median latency, milliseconds."""
        return statistics.median(launch.p50_ms for launch in self.launches)

    @property
    def busy(self) -> int:
        """Launches that met a busy machine: many slow samples, or more runnable tasks than cores before."""
        return sum(is_busy(launch) for launch in self.launches)

    @property
    def per_op(self) -> tuple[OpTime, ...] | None:
        """Operator times, where measured."""
        return self.measurement.per_op


def is_busy(m: Measurement) -> bool:
    """True when something else ran beside the measurement."""
    tail = tail_ratio(m.samples_ns)
    load = m.state_before.load_1m
    return (tail is not None and tail > TAIL_RATIO) or (load is not None and load > m.info.cores)


@dataclass(frozen=True)
class Comparison:
    """B against A.

    Attributes:
        ratio: latency of B over that of A with its interval; above 1 = B is slower.
        paired: whether pairs of fresh processes gave the ratio; otherwise the samples of one launch each did.
        operators, types: changes, the largest slowdown first; None when a side has no operator times.
        doubts: why not to trust it, in words.
        broken_off: what ended the measuring before all pairs were taken; None when nothing did.
    """

    a: Side
    b: Side
    ratio: Ratio
    paired: bool
    operators: tuple[OpChange, ...] | None
    types: tuple[OpChange, ...] | None
    doubts: tuple[str, ...]
    broken_off: ToolError | None = None

    @property
    def word(self) -> Word:
        """The conclusion about B from the interval; none when the machine was busy with other work."""
        if self.paired and max(self.a.busy, self.b.busy) > BUSY_SHARE * self.ratio.pairs:
            return "too noisy to tell"
        if self.ratio.low > 1:
            return "slower"
        return "faster" if self.ratio.high < 1 else "no difference seen"


def compare_stored(a: Measurement, b: Measurement) -> Comparison:
    """Two measurements, made at any time under the same conditions.

    Raises:
        NotComparableError: they were not.
        InconclusiveError: a side has fewer than eight samples.
    """
    require_comparable(a, b)
    for name, m in (("A", a), ("B", b)):
        if len(m.samples_ns) < SMALLEST:
            count = len(m.samples_ns)
            raise InconclusiveError(
                f"{name} has {count} sample{'' if count == 1 else 's'}, and {SMALLEST} are the least for an interval",
                "measure it again: edgekit profile",
            )
    ratio, low, high = median_ratio(a.samples_ns, b.samples_ns)
    found = Ratio(ratio=ratio, low=low, high=high, pairs=0, confidence=CONFIDENCE)
    return composed(Side(a, (a,)), Side(b, (b,)), found, paired=False)


def compare_paired(
    a: Sequence[Measurement], b: Sequence[Measurement], ratio: Ratio, broken_off: ToolError | None = None
) -> Comparison:
    """Launches of two artifacts, taken in turn; ``ratio`` is of B over A, ``broken_off`` what ended them too early.

    Raises:
        NotComparableError: the conditions changed on the way.
    """
    for one, other in zip(a, b, strict=True):
        require_comparable(one, other)
        require_comparable(a[0], one)
    found = composed(Side(a[0], tuple(a)), Side(b[0], tuple(b)), ratio, paired=True)
    if broken_off is None:
        return found
    return replace(found, broken_off=broken_off, doubts=(*found.doubts, str(broken_off).partition("\n")[0]))


def composed(a: Side, b: Side, ratio: Ratio, *, paired: bool) -> Comparison:
    """The comparison with its operators and doubts."""
    times = (a.per_op, b.per_op)
    operators = types = None
    if times[0] is not None and times[1] is not None:
        operators, types = tuple(by_operator(times[0], times[1])), tuple(by_type(times[0], times[1]))
    return Comparison(a, b, ratio, paired, operators, types, tuple(doubts(a, b, paired=paired)))


def doubts(a: Side, b: Side, *, paired: bool) -> list[str]:
    """Why not to trust the ratio, in words."""
    said = [] if paired else [SAMPLES_ALONE]
    if a.measurement.artifact_sha256 == b.measurement.artifact_sha256:
        said.append("A and B are the same artifact: any difference comes from measuring twice")
    for name, side in (("A", a), ("B", b)):
        bad = [launch for launch in side.launches if launch.verdict.name != "stable"]
        if paired:
            throttled = sum(launch.verdict.name == "throttled" for launch in bad)
            if side.busy:
                said.append(
                    f"something else ran beside {side.busy} of {len(side.launches)} launches of {name} (p90 over "
                    f"{TAIL_RATIO:g} times the median, or more runnable tasks than cores): wait for an idle machine"
                )
            if throttled:
                said.append(f"{name} was throttled in {throttled} of {len(side.launches)} launches")
        else:
            said += [f"{name} is {m.verdict.name}: {'; '.join(m.verdict.reasons)}" for m in bad]
    if a.measurement.weights_kind != b.measurement.weights_kind:
        kinds = (a.measurement.weights_kind, b.measurement.weights_kind)
        said.append(f"the weights of A are {kinds[0]}, those of B {kinds[1]}")
    return said
