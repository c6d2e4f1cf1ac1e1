"""A ranking in words: the verdict, a table with the other costs, and the best artifact in each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...base.clean import for_markdown
from ...base.stats import percent
from ..summary import measured_top1
from ..table import megabytes, milliseconds
from .ranking import Ranking, Standing

TITLES = ("artifact", "runtime", "p50 ms", "against the fastest", "cold start ms", "peak RSS", "size", "SQNR", "top-1")
NUMBERS = TITLES[2:]


def verdict(found: Ranking) -> str:
    """The answer in one sentence."""
    first, tied = found.standings[0], found.tied
    rounds = f"{len(first.launches)} rounds of fresh processes, {found.confidence:.0%} that all of it holds"
    if found.too_noisy:
        return f"too noisy to tell: {first.name} had the lowest median ({rounds})"
    if len(tied) > 1:
        return f"no difference seen between {' and '.join(one.name for one in tied)}: the fastest are these ({rounds})"
    if len(found.standings) == 1:
        return f"{first.name}: {milliseconds(first.p50_ms)} ms ({rounds})"
    second = min(found.standings[1:], key=lambda one: one.p50_ms)
    assert second.ratio is not None
    span = f"{percent(second.ratio.low)} to {percent(second.ratio.high)}"
    more = f"takes {percent(second.ratio.ratio)} ({span}; {rounds})"
    return f"{first.name} is the fastest: the next, {second.name}, {more}"


def rows(found: Ranking) -> list[tuple[str, ...]]:
    """A row an artifact under ``TITLES``."""
    return [
        (
            one.name,
            f"{m.runtime} {m.runtime_version.split('-')[0]}",
            milliseconds(one.p50_ms),
            "" if one.ratio is None else f"{percent(one.ratio.low)} to {percent(one.ratio.high)}",
            milliseconds(one.cold_ms),
            "-" if m.peak_rss_bytes is None else megabytes(m.peak_rss_bytes),
            megabytes(m.artifact_bytes),
            "-" if m.parity_sqnr_db is None else f"{m.parity_sqnr_db:.1f} dB",
            "-" if one.evaluation is None else measured_top1(one.evaluation),
        )
        for one in found.standings
        for m in [one.measurement]
    ]


def best_in(found: Ranking) -> list[str]:
    """The best artifact in each other respect, unless it is the fastest one."""
    asked: tuple[tuple[str, Callable[[Standing], float | None], Callable[[Standing], str]], ...] = (
        ("least memory", peak, lambda s: megabytes(round(peak(s) or 0))),
        ("smallest", lambda s: s.measurement.artifact_bytes, lambda s: megabytes(s.measurement.artifact_bytes)),
        ("quickest to its first answer", lambda s: s.cold_ms, lambda s: f"{milliseconds(s.cold_ms)} ms"),
        ("most accurate", lost, lambda s: "-" if s.evaluation is None else measured_top1(s.evaluation)),
    )
    lines = []
    for word, value, text in asked:
        known = [(figure, one) for one in found.standings if (figure := value(one)) is not None]
        if len(known) > 1:
            best = min(known, key=lambda pair: pair[0])[1]
            first = found.standings[0]
            against = "" if best is first else f" ({first.name}: {text(first)})"
            lines.append(f"{word}: {best.name}, {text(best)}{against}")
    return lines


def peak(one: Standing) -> float | None:
    """Bytes of peak memory, where measured."""
    return one.measurement.peak_rss_bytes


def lost(one: Standing) -> float | None:
    """Share of the images that it gets wrong; None when it was not evaluated."""
    return None if one.evaluation is None or one.evaluation.top1 is None else 1 - one.evaluation.top1.share


def across_markdown(found: Ranking) -> str:
    """The whole ranking, with a final newline."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    table = [line(TITLES), line(["---", "---", *["--:"] * len(NUMBERS)])]
    table += [line([for_markdown(cell) for cell in row]) for row in rows(found)]
    parts = [f"### {for_markdown(verdict(found))}", "\n".join(table)]
    said = [*best_in(found), *found.doubts]
    parts += ["\n".join(f"- {for_markdown(one)}" for one in said)] if said else []
    return "\n\n".join(parts) + "\n"
