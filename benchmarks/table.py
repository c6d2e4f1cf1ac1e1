"""The Markdown pages: every row of the table, and the summary for the README."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.base.files import write_atomic
from edgekit.base.stats import wilson
from edgekit.errors import UsageError
from edgekit.types import RUNTIME_OF, Format, Precision

from .cells import NONE, gain, interval, number, percent, scaled, table
from .conditions import busy, conditions
from .figures import (
    INT8_COST,
    REACH_FAMILIES,
    RUNTIME_NAMES,
    SLOWER,
    Results,
    Row,
    Side,
    chosen,
    geometric_mean,
    missing_rows,
    reach,
    rows_of,
    slower_rows,
)

BEGIN, END = "<!-- bench:begin (written by make bench) -->", "<!-- bench:end -->"
FORMATS: tuple[Format, ...] = tuple(RUNTIME_OF)
HARDER = (
    "Of ONNX Runtime's int8 it is the faster of two: with signed activations, the default, and with unsigned ones, "
    "faster on x86."
)
"""Which of two plain exports the figures are against."""


def page(results: Results) -> str:
    """The whole page."""
    rows = rows_of(results)
    parts = [
        "# Plain exports and edgekit's",
        (
            "`make bench` writes this page; the raw samples of every round are in `benchmarks/results/bench.json`. "
            "*Plain* is each library's own way to export the untouched PyTorch network, with its defaults "
            "(`benchmarks/plain.py` names the exceptions). Both sides have the same weights, and int8 the same sixteen "
            "calibration photos. "
            f"*Faster* is plain latency / edgekit latency; above 1 edgekit is faster. {HARDER} "
            "A round starts a fresh process "
            "for each artifact, lets them run by turns of some twenty milliseconds in random order, and gives the "
            "median ratio of the turns; the figure is the 20 %-trimmed mean over rounds with Yuen's 95 % interval."
        ),
        busy(results),
        conditions(results),
        "## The goals",
        goals(results, rows),
        "## Geometric means of *faster*",
        means(rows),
        "## *Faster* at a glance",
        overview(rows),
        exceptions(rows),
        trained(results.get("real_weights")),
        *(section(rows, format_) for format_ in FORMATS if chosen(rows, "fp32", format_)),
        notes(rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(results: Results) -> str:
    """The README's part."""
    rows = rows_of(results)
    seen = results["conditions"]
    parts = [
        busy(results),
        (
            "Geometric means of *plain latency / edgekit latency*: above 1, edgekit's file is faster. *Plain* is each "
            f"library's own export of the same network and weights. {HARDER} {len(rows)} pairs of files, measured in "
            f"turn; {seen['threads']} thread, batch 1, {seen['cpu']} ({seen['target']}), {seen['date'][:10]}."
        ),
        means(rows),
        "[Every row](docs/results/bench.md) with its interval, parity and size; `make bench` measures again.",
    ]
    return "\n\n".join(part for part in parts if part)


def write_readme(path: Path, text: str) -> None:
    """Put ``text`` between the markers of a Markdown file.

    Raises:
        UsageError: the markers are not there, in this order.
    """
    content = path.read_text(encoding="utf-8")
    begin, end = content.find(BEGIN), content.find(END)
    if not 0 <= begin < end:
        raise UsageError(f"{path} has no place for the summary", f"put {BEGIN} and {END} where it belongs")
    write_atomic(path, f"{content[:begin]}{BEGIN}\n{text}\n{content[end:]}")


def goals(results: Results, rows: Sequence[Row]) -> str:
    """Every goal with its figure."""
    lines = reach(rows, results["complete"], results["conversion"], results.get("real_weights"))
    words = {True: "met", False: "**missed**", None: "open"}
    text = table(("goal", "found", ""), [(line.text, line.figure, words[line.met]) for line in lines])
    target = results["conditions"]["target"]
    if target != "x86-avx2":
        text += (
            f"\n\nThe goals were set for one thread on x86-64 with AVX2 without VNNI; these figures are of {target}, "
            "where int8 has its own instructions on both sides."
        )
    return text


def means(rows: Sequence[Row]) -> str:
    """Geometric means per runtime: the five networks, and all."""
    lines = []
    count = len({row.family for row in rows})
    for precision in PRECISIONS:
        for words, families in (("five networks", REACH_FAMILIES), (f"all {count}", None)):
            cells = [mean_cell(rows, precision, format_, families) for format_ in (*FORMATS, None)]
            lines.append((f"{precision}, {words}", *cells))
    text = table(("plain / edgekit latency", *(RUNTIME_NAMES[f] for f in FORMATS), "all"), lines)
    return f"{text}\n\nThe five networks: {', '.join(REACH_FAMILIES)}. A mean that lacks a row is not given."


PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")


def mean_cell(rows: Sequence[Row], precision: Precision, format_: Format | None, families: Sequence[str] | None) -> str:
    """One mean; none when a family, a runtime or a ratio is missing."""
    wanted = chosen(rows, precision, format_, families)
    names = families if families is not None else {row.family for row in rows}
    asked = {(name, one) for name in names for one in FORMATS if format_ in (None, one)}
    if {(row.family, row.format) for row in wanted} != asked:
        return NONE
    return number(geometric_mean(row.faster for row in wanted), 3)


def overview(rows: Sequence[Row]) -> str:
    """Every ratio in one small table; bold where edgekit is slower by more than noise."""
    columns = [(format_, precision) for format_ in FORMATS for precision in PRECISIONS]
    known = {(row.model, row.format, row.precision): row for row in rows}
    lines = [
        (model, *(overview_cell(known.get((model, format_, precision))) for format_, precision in columns))
        for model in dict.fromkeys(row.model for row in rows)
    ]
    head = ("plain / edgekit latency", *(f"{RUNTIME_NAMES[format_]} {precision}" for format_, precision in columns))
    return table(head, lines)


def overview_cell(row: Row | None) -> str:
    """A ratio in two digits."""
    if row is None or row.faster is None:
        return NONE
    text = number(row.faster.value, 2)
    return f"**{text}**" if 1 / row.faster.value > SLOWER else text


def exceptions(rows: Sequence[Row]) -> str:
    """Rows that are slower than plain, and rows that have no figure: all of them."""
    slow = [
        f"- {row.label}: edgekit / plain {1 / row.faster.value:.3f} "
        f"({1 / row.faster.high:.3f} to {1 / row.faster.low:.3f})"
        for row in slower_rows(rows)
        if row.faster is not None
    ]
    missing = [f"- {row.label}: {why_missing(row)}" for row in missing_rows(rows)]
    parts = [
        f"## Slower than plain by more than {SLOWER - 1:.0%}: {len(slow)} of {len(rows)} rows",
        "\n".join(slow),
        f"## Rows without a figure: {len(missing)}" if missing else "",
        "\n".join(missing),
    ]
    return "\n\n".join(part for part in parts if part)


def why_missing(row: Row) -> str:
    """What keeps a row from its ratio, on one line."""
    reasons = [f"{name}: {one_line(side.error)}" for name, side in sides(row) if side.error]
    return "; ".join(reasons) or "too few rounds"


def one_line(text: str) -> str:
    """The first line of an error, without what would break a table."""
    return text.strip().splitlines()[0].replace("|", "/") if text.strip() else ""


def sides(row: Row) -> tuple[tuple[str, Side], tuple[str, Side]]:
    """Both artifacts of a row with their names."""
    return ("plain", row.plain), ("edgekit", row.edgekit)


def section(rows: Sequence[Row], format_: Format) -> str:
    """One runtime: latencies, then what the artifacts are."""
    mine = [row for row in rows if row.format == format_]
    latency = table(
        (
            "network",
            "",
            "plain ms",
            "edgekit ms",
            "faster than the default",
            "95 %",
            "rounds",
            "fp32/int8 plain",
            "fp32/int8 edgekit",
        ),
        [
            (
                row.model,
                precision_words(row),
                number(row.plain.ms, 2),
                number(row.edgekit.ms, 2),
                NONE if row.faster_than_default is None else number(row.faster_than_default.value, 3),
                interval(row.faster_than_default),
                NONE if row.faster_than_default is None else str(row.faster_than_default.rounds),
                gain(row.plain_int8),
                gain(row.edgekit_int8),
            )
            for row in mine
        ],
    )
    made = table(
        ("network", "", "SQNR dB", "MB", "transposes", "partitions", "delegated", "CPU s", "GMAC/s", "of peak",
         "of roofline", "binds"),
        [
            (
                row.model,
                precision_words(row),
                both(row, lambda s: number(s.facts.get("sqnr_db"), 1)),
                both(row, lambda s: number(scaled(s.facts.get("size_bytes"), 1e-6), 2)),
                both(row, lambda s: number(s.facts.get("transposes"), 0)),
                both(row, lambda s: number(s.facts.get("partitions"), 0)),
                both(row, lambda s: percent(s.facts.get("delegated_share"))),
                both(row, lambda s: number(s.facts.get("cpu_seconds"), 1)),
                both(row, lambda s: NONE if s.roofline is None else number(s.roofline.gmacs_per_s, 1)),
                both(row, lambda s: NONE if s.roofline is None else percent(s.roofline.compute_share)),
                both(row, lambda s: NONE if s.roofline is None else percent(s.roofline.roofline_share)),
                NONE if row.edgekit.roofline is None else row.edgekit.roofline.binds,
            )
            for row in mine
        ],
    )  # fmt: skip
    return (
        f"## {RUNTIME_NAMES[format_]}\n\n{latency}\n\n"
        "The artifacts, plain / edgekit. SQNR is against the float32 network on the calibration photos; CPU s is the "
        "conversion with its imports, the two not made at the same time; transposes are those that are executed, "
        "without the runtime's own reorders between layouts; peak and roofline are those of the condition table, at "
        "the row's precision.\n\n"
        f"{made}{unsigned(mine)}"
    )


def trained(real: dict[str, Any] | None) -> str:
    """int8 with trained weights, plain and edgekit's."""
    if not real:
        return ""
    photos = real["photos"]

    def cells(cell: dict[str, Any]) -> tuple[str, str]:
        if "error" in cell:
            return one_line(cell["error"]), NONE
        return f"{cell['sqnr_db']:.1f}", f"{cell['agree']} of {photos}"

    lines = [
        (row["model"], RUNTIME_NAMES[row["format"]], *cells(row["plain"]), *cells(row["edgekit"]))
        for row in real["rows"]
    ]
    few = wilson(photos - 1, photos)
    when = f" Measured {real['date']}." if "date" in real else ""
    return (
        "## int8 with ImageNet weights\n\nThe weights and the photos are those that packages carry "
        f"(`benchmarks/real_data.py`); SQNR of the scores and agreement of top-1 are against the float32 network, on "
        f"{photos} photos that calibration has not seen, computed by the runtimes on this machine. {photos} photos are "
        f"few: {photos - 1} of {photos} is {few.low:.0%} to {few.high:.0%} (Wilson, 95 %).{when}\n\n"
        + table(("network", "runtime", "plain dB", "plain agrees", "edgekit dB", "edgekit agrees"), lines)
    )


def unsigned(rows: Sequence[Row]) -> str:
    """ONNX Runtime's int8 with the setting that is no default and faster on x86: what is left of the gain."""
    known = [row for row in rows if row.unsigned is not None]
    if not known:
        return ""
    lines = [
        (
            row.model,
            number(row.plain.ms, 2),
            NONE if row.unsigned is None else number(row.unsigned.ms, 2),
            number(row.edgekit.ms, 2),
            NONE if row.faster_than_unsigned is None else number(row.faster_than_unsigned.value, 3),
            interval(row.faster_than_unsigned),
            NONE if row.unsigned is None else number(row.unsigned.facts.get("sqnr_db"), 1),
        )
        for row in known
    ]
    head = (
        "network",
        "plain ms",
        "plain, unsigned ms",
        "edgekit ms",
        "edgekit faster than unsigned",
        "95 %",
        "SQNR dB",
    )
    mean = geometric_mean(row.faster_than_unsigned for row in known)
    five = [row for row in known if row.family in REACH_FAMILIES]
    return (
        "\n\n### int8 with unsigned activations\n\n"
        "ONNX Runtime's quantizer makes activations signed by default; on x86 its kernels are faster when they are "
        f"unsigned. Against that setting the geometric mean is {number(mean, 3)} (against the default "
        f"{number(geometric_mean(row.faster_than_default for row in known), 3)}); over the {len(five)} of the five "
        f"networks here {number(geometric_mean(row.faster_than_unsigned for row in five), 3)} "
        f"({number(geometric_mean(row.faster_than_default for row in five), 3)}).\n\n"
        f"{table(head, lines)}"
    )


def precision_words(row: Row) -> str:
    """The precision, and what edgekit exported instead where it did."""
    taken = row.edgekit.facts.get("profile", f"{row.format}-{row.precision}")
    return row.precision if taken == f"{row.format}-{row.precision}" else f"{row.precision} (edgekit took {taken})"


def notes(rows: Sequence[Row]) -> str:
    """What the exports themselves say of int8 rows that are slower than float32, or that came out as something else."""
    parts = []
    slow = [r for r in chosen(rows, "int8") if r.edgekit_int8 is not None and r.edgekit_int8.value < INT8_COST]
    other = [row for row in rows if precision_words(row) != row.precision]
    for title, found in ((f"int8 below {INT8_COST} of float32's speed", slow), ("another form than asked for", other)):
        lines = []
        for row in found:
            said = [one_line(note) for note in row.edgekit.facts.get("notes", ())]
            lines.append(f"- {row.label}: {gain(row.edgekit_int8)}. The export says: {'; '.join(said) or 'nothing'}")
        if lines:
            parts += [f"## edgekit, {title}: {len(lines)} rows", "\n".join(lines)]
    return "\n\n".join(parts)


def both(row: Row, cell: Any) -> str:
    """The cells of plain and edgekit in one; one dash when neither has anything to say."""
    found = [cell(side) for _, side in sides(row)]
    return NONE if found == [NONE, NONE] else " / ".join(found)
