"""From raw rounds to the figures of the table and the verdict on every line of what edgekit sets out to reach."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit.base.stats import MIN_PAIRS, trimmed_ratio
from edgekit.bench.roofline import roofline
from edgekit.types import RUNTIME_OF, Ceilings, Format, LayerLoad, Precision, Roofline

from .exports import UNSIGNED
from .rounds import logs, median_ns

Results = dict[str, Any]

REACH_FAMILIES = ("shufflenet_v1", "shufflenet_v2", "igcv3", "condensenet", "mobilenet_v3")
"""The networks that the runtimes' own exports serve worst."""
RUNTIME_NAMES: dict[Format, str] = {"onnx": "ONNX Runtime", "tflite": "LiteRT", "openvino": "OpenVINO"}
SLOWER = 1.03
"""More than this is no noise."""
INT8_COST = 0.97
AGREE, DECIBELS, MORE_DECIBELS = 0.95, 20.0, 3.0
"""What int8 has to keep of trained networks: top-1 of the photos, SQNR of the scores, or SQNR more than plain has."""


@dataclass(frozen=True)
class Ratio:
    """A ratio of latencies with its 95 % interval and the number of rounds."""

    value: float
    low: float
    high: float
    rounds: int


@dataclass(frozen=True)
class Side:
    """One artifact: its latency over all rounds and what the export said of it; ``error`` where there is none."""

    error: str
    ms: float | None
    facts: dict[str, Any]
    roofline: Roofline | None = None


@dataclass(frozen=True)
class Row:
    """One network on one runtime at one precision.

    Attributes:
        faster: latency of plain with its fastest setting / edgekit latency: above 1 = edgekit is faster.
        faster_than_default: that of plain with its defaults / edgekit latency.
        plain_int8, edgekit_int8: float32 latency / int8 latency of the same path, in int8 rows.
        unsigned, faster_than_unsigned: ONNX Runtime's int8 with unsigned activations, no default, and its latency /
            edgekit latency.
    """

    model: str
    family: str
    format: Format
    precision: Precision
    plain: Side
    edgekit: Side
    faster: Ratio | None
    faster_than_default: Ratio | None = None
    plain_int8: Ratio | None = None
    edgekit_int8: Ratio | None = None
    unsigned: Side | None = None
    faster_than_unsigned: Ratio | None = None

    @property
    def label(self) -> str:
        """The row in words."""
        return f"{self.model} {RUNTIME_NAMES[self.format]} {self.precision}"


@dataclass(frozen=True)
class Line:
    """One line of the goals: what is asked, what was found, and whether that is it; None = cannot be said."""

    text: str
    figure: str
    met: bool | None


def rows_of(results: Results) -> list[Row]:
    """The table's rows, in the order of the results."""
    limits = Ceilings.from_plain(results["conditions"]["ceilings"])
    found = []
    for entry in results["networks"]:
        rounds = [r for r in results["rounds"] if (r["model"], r["format"]) == (entry["model"], entry["format"])]
        layers = [LayerLoad(name=n, macs=m, elements=e) for n, m, e in entry["layers"]]
        precisions: tuple[Precision, ...] = ("fp32", "int8")
        for precision in precisions:
            plain, ours = f"plain-{precision}", f"edgekit-{precision}"
            second = precision == "int8" and UNSIGNED in entry["artifacts"]
            by_default = ratio(rounds, plain, ours)
            than_unsigned = ratio(rounds, UNSIGNED, ours) if second else None
            known = [one for one in (by_default, than_unsigned) if one is not None]
            found.append(
                Row(
                    model=entry["model"],
                    family=entry["family"],
                    format=entry["format"],
                    precision=precision,
                    plain=side(entry, plain, rounds, layers, precision, limits),
                    edgekit=side(entry, ours, rounds, layers, precision, limits),
                    faster=min(known, key=lambda one: one.value, default=None),
                    faster_than_default=by_default,
                    plain_int8=ratio(rounds, "plain-fp32", plain) if precision == "int8" else None,
                    edgekit_int8=ratio(rounds, "edgekit-fp32", ours) if precision == "int8" else None,
                    unsigned=side(entry, UNSIGNED, rounds, layers, precision, limits) if second else None,
                    faster_than_unsigned=than_unsigned,
                )
            )
    return found


def side(
    entry: dict[str, Any],
    name: str,
    rounds: Sequence[dict[str, Any]],
    layers: Sequence[LayerLoad],
    precision: Precision,
    limits: Ceilings,
) -> Side:
    """One artifact's latency, facts and place under the roofline."""
    made = entry["artifacts"][name]
    medians = [median_ns(r["launches"][name]) for r in rounds if name in r["launches"]]
    failures = [r["errors"][name] for r in rounds if name in r["errors"]]
    error = made["error"] or (failures[0] if failures and not medians else "")
    if not medians:
        return Side(error or "not measured", None, made["facts"])
    latency = statistics.median(medians)
    return Side(error, latency / 1e6, made["facts"], roofline(layers, precision, limits, latency) if layers else None)


def ratio(rounds: Sequence[dict[str, Any]], first: str, second: str) -> Ratio | None:
    """Latency of ``first`` over that of ``second``; None with too few rounds."""
    found = logs(rounds, (first, second))
    return Ratio(*trimmed_ratio(found), len(found)) if len(found) >= MIN_PAIRS else None


def geometric_mean(ratios: Iterable[Ratio | None]) -> float | None:
    """Of the ratios' values; None when there are none, or one is missing: a mean of the rest would flatter."""
    values = [None if r is None else r.value for r in ratios]
    known = [value for value in values if value is not None]
    return math.exp(statistics.fmean(map(math.log, known))) if known and len(known) == len(values) else None


def chosen(
    rows: Sequence[Row], precision: Precision, format_: Format | None = None, families: Sequence[str] | None = None
) -> list[Row]:
    """The rows at a precision, of one runtime or all, of some families or all."""
    return [
        row
        for row in rows
        if row.precision == precision and format_ in (None, row.format) and (families is None or row.family in families)
    ]


def slower_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows in which edgekit takes more than 1.03 times as long as plain, the worst first."""
    slow = [row for row in rows if row.faster is not None and 1 / row.faster.value > SLOWER]
    return sorted(slow, key=lambda row: row.faster.value if row.faster else 0.0)


def missing_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows without a ratio: an export failed, an artifact does not run, or the time was over."""
    return [row for row in rows if row.faster is None]


# What edgekit sets out to reach --------------------------------------------------------------------------------------


def reach(
    rows: Sequence[Row], complete: bool, cost: dict[str, list[float]] | None, real: dict[str, Any] | None
) -> list[Line]:
    """The verdict on every line; what was not measured leaves a line open, and never meets it.

    Args:
        rows: of the table.
        complete: every family's default network on every runtime takes part.
        cost: CPU seconds of mobilenet_v3's int8 TFLite exports by path, or None.
        real: what :mod:`benchmarks.real_weights` found, or None.
    """
    return [
        never_slower(rows, complete),
        mean_line(rows, "fp32", 1.10, "goal 1.15"),
        mean_line(rows, "int8", 1.5),
        single(rows, "mobilenet_v3", "tflite", "int8", 1.7),
        condensenet(rows),
        int8_costs_nothing(rows, complete),
        accuracy(real),
        conversion(cost),
    ]


def never_slower(rows: Sequence[Row], complete: bool) -> Line:
    """Every network x runtime x precision."""
    slow, missing = slower_rows(rows), missing_rows(rows)
    known = [row for row in rows if row.faster is not None]
    sure = [row for row in slow if row.faster is not None and 1 / row.faster.high > SLOWER]
    figure = f"{len(slow)} of {len(rows)} above ({len(sure)} with their whole interval)"
    if known:
        worst = max(known, key=lambda row: 1 / row.faster.value if row.faster else 0.0)
        assert worst.faster is not None
        figure += f", worst {1 / worst.faster.value:.3f} ({worst.label})"
    if missing:
        figure += f"; {len(missing)} without a figure"
    met = False if slow else None if missing or not complete else True
    return Line(f"every network, runtime and precision: edgekit / plain latency at most {SLOWER}", figure, met)


def mean_line(rows: Sequence[Row], precision: Precision, asked: float, more: str = "") -> Line:
    """The geometric mean over the five networks on the three runtimes."""
    wanted = chosen(rows, precision, families=REACH_FAMILIES)
    complete = len(wanted) == len(REACH_FAMILIES) * len(RUNTIME_OF)
    mean = geometric_mean(row.faster for row in wanted) if complete else None
    text = f"geometric mean over five networks and three runtimes, {precision}: at least {asked:.2f} times faster"
    return Line(f"{text} ({more})" if more else text, *judged(mean, asked))


def judged(value: float | None, asked: float) -> tuple[str, bool | None]:
    """A figure in words, and whether it is enough."""
    return ("not measured", None) if value is None else (f"{value:.3f}", value >= asked)


def single(rows: Sequence[Row], family: str, format_: Format, precision: Precision, asked: float) -> Line:
    """One network on one runtime."""
    row = next(iter(chosen(rows, precision, format_, [family])), None)
    found = None if row is None else row.faster
    text = f"{family} {RUNTIME_NAMES[format_]} {precision}: at least {asked:.2f} times faster"
    return Line(text, *judged(None if found is None else found.value, asked))


def condensenet(rows: Sequence[Row]) -> Line:
    """CondenseNet in float32: on its best runtime."""
    known = [row for row in chosen(rows, "fp32", families=["condensenet"]) if row.faster is not None]
    text = "condensenet fp32: at least 1.30 times faster on one runtime"
    if not known:
        return Line(text, "not measured", None)
    best = max(known, key=lambda row: row.faster.value if row.faster else 0.0)
    assert best.faster is not None
    figure, met = judged(best.faster.value, 1.3)
    return Line(text, f"{figure} ({RUNTIME_NAMES[best.format]})", met)


def int8_costs_nothing(rows: Sequence[Row], complete: bool) -> Line:
    """int8 against float32 of edgekit's own artifacts, where the export did not give float32 itself."""
    wanted = [row for row in chosen(rows, "int8") if not took_float(row)]
    other = len(chosen(rows, "int8")) - len(wanted)
    known = [row for row in wanted if row.edgekit_int8 is not None]
    slow = [row for row in known if row.edgekit_int8 and row.edgekit_int8.value < INT8_COST]
    text = f"int8 at least {INT8_COST} times as fast as fp32 for every family on every runtime, or float32 in its place"
    if not known:
        return Line(text, "not measured", None)
    worst = min(known, key=lambda row: row.edgekit_int8.value if row.edgekit_int8 else 0.0)
    assert worst.edgekit_int8 is not None
    figure = f"{len(slow)} of {len(wanted)} below, worst {worst.edgekit_int8.value:.3f} ({worst.label})"
    figure += f"; {other} came out as float32" if other else ""
    return Line(text, figure, False if slow else True if complete and len(known) == len(wanted) else None)


def took_float(row: Row) -> bool:
    """True for an int8 row whose export gave float32, and said so."""
    return str(row.edgekit.facts.get("profile", "")).endswith("-fp32")


def accuracy(real: dict[str, Any] | None) -> Line:
    """int8 with trained weights: agreement with float32, and either decibels enough or more of them than plain."""
    text = (
        f"MobileNetV2 and SqueezeNet with real weights, each format: int8 agrees on {AGREE:.0%} of the photos, and has "
        f"{DECIBELS:g} dB or {MORE_DECIBELS:g} dB more than plain"
    )
    if not real:
        return Line(text, "not measured", None)
    known = [row for row in real["rows"] if "error" not in row["edgekit"]]
    if not known:
        return Line(text, "no export succeeded", False)
    photos = real["photos"]
    kept = [row for row in known if row["edgekit"]["agree"] >= AGREE * photos and is_close(row)]
    agree, decibels = ([row["edgekit"][name] for row in known] for name in ("agree", "sqnr_db"))
    figure = (
        f"{len(kept)} of {len(real['rows'])}: {min(agree)} to {max(agree)} of {photos} photos, "
        f"{min(decibels):.1f} to {max(decibels):.1f} dB"
    )
    return Line(text, figure, len(kept) == len(real["rows"]))


def is_close(row: dict[str, Any]) -> bool:
    """True where an int8 artifact's scores are near enough to those of float32, or much nearer than plain's."""
    ours, theirs = row["edgekit"]["sqnr_db"], row["plain"].get("sqnr_db")
    return ours > DECIBELS or (theirs is not None and ours >= theirs + MORE_DECIBELS)


def conversion(cost: dict[str, list[float]] | None) -> Line:
    """CPU time of one export, imports included; the two paths were run in turn."""
    text = "export of mobilenet_v3 to int8 TFLite: at most half the CPU seconds of the plain path"
    if not cost:
        return Line(text, "not measured", None)
    ours, theirs = (statistics.median(cost[path]) for path in ("edgekit", "plain"))
    figure = f"{ours:.1f} s against {theirs:.1f} s: {ours / theirs:.2f} (median of {len(cost['plain'])})"
    return Line(text, figure, ours <= theirs / 2)
