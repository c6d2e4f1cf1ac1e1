"""docs/results/real-files.md, from the cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .subjects import NETWORKS, ONNX_FILES, TFLITE_FILES

Cell = dict[str, Any]
SLOWER = 1.03
"""How much slower than the plain export edgekit's may be."""
MORE = 1.005
"""How many more instructions count as none."""
ABOUT = {subject.name: subject.about for subject in (*NETWORKS, *ONNX_FILES, *TFLITE_FILES)}


def page(cells: Sequence[Cell], wanted: int) -> str:
    """The page of those ``cells`` that are there, of so many ``wanted``; it ends with a newline."""
    exports = [cell for cell in cells if cell["precision"] != "as it is"]
    files = [cell for cell in cells if cell["precision"] == "as it is"]
    names = dict.fromkeys(cell["subject"] for cell in cells)
    lines = [
        "# Networks and files of others",
        "",
        "<!-- Made by `python -m benchmarks.real_files`: run it again, do not change this page. -->",
        "",
        "Networks of a user's own making, most with random weights, and trained files of PyPI and npm.",
        "Each is exported by the library of the format alone (plain) and by edgekit, and both run by turns in one run,",
        "on one thread. The ratio is edgekit's latency over that of the plain one, with its 95 % interval: below 1",
        "edgekit's is faster. Instructions are counted under an emulator (docs/results/counting.md): they are the same",
        "however busy the machine is, and tell where a clock cannot.",
        "",
        *summary(exports),
        "",
        *conditions(exports),
        "",
        *unfinished(len(cells), wanted),
        "| name | what it is |",
        "| --- | --- |",
        *(f"| {name} | {ABOUT[name]} |" for name in names),
        "",
        "## Exports",
        "",
        "SQNR is that of the worst output against the float network or file, on the calibration inputs: photos,",
        "spectra of tones, random states.",
        "",
        (
            "| name | format | precision | edgekit | SQNR | transposes, plain | edgekit | ms, plain | edgekit | ratio "
            "| instructions |"
        ),
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
        *map(export_row, exports),
        "",
        *failures(exports),
        "## TFLite files as they are",
        "",
        "edgekit does not convert TFLite files; it looks into them, measures and compares them.",
        "",
        "| name | | computes in | delegated | million MACs | ms |",
        "| --- | --- | --- | ---: | ---: | ---: |",
        *map(file_row, files),
    ]
    return "\n".join(lines) + "\n"


def summary(cells: Sequence[Cell]) -> Iterable[str]:
    """The counts that matter."""
    plain = [cell for cell in cells if "size_bytes" in cell["plain"]]
    both = [cell for cell in plain if cell["edgekit"]["status"] == "converted"]
    only = [cell for cell in cells if cell not in plain and cell["edgekit"]["status"] == "converted"]
    words = [verdict(cell) for cell in both]
    yield (
        f"The plain libraries export {len(plain)} of {len(cells)}; edgekit exports and verifies {len(both)} of these"
        f" ({100 * len(both) / max(1, len(plain)):.0f} %), and {len(only)} more."
    )
    yield (
        f"Of those that both export, edgekit's is faster in {words.count('faster')}, within {SLOWER - 1:.0%} in "
        f"{words.count('equal')}, slower by more in {words.count('slower')}, and too uncertain to say in "
        f"{words.count('?')}."
    )
    yield from by_instructions([cell for cell, word in zip(both, words, strict=True) if word == "?"])


def by_instructions(uncertain: Sequence[Cell]) -> Iterable[str]:
    """What the instructions tell of cells whose times tell nothing."""
    ratios = [cell["counted"]["ratio"] for cell in uncertain if "ratio" in cell.get("counted", {})]
    if ratios:
        yield (
            f"Of {len(ratios)} of these the instructions are counted: edgekit's executes fewer, or at most "
            f"{MORE - 1:.1%} more, in {sum(ratio <= MORE for ratio in ratios)}; {max(ratios):.3f} of plain's at most."
        )


def unfinished(there: int, wanted: int) -> Iterable[str]:
    """How many cells nobody has made yet."""
    if there < wanted:
        yield from (f"{wanted - there} of {wanted} cells are not made yet: run the command again.", "")


def conditions(cells: Sequence[Cell]) -> Iterable[str]:
    """When, and how busy the machine was."""
    dates = sorted(cell["date"] for cell in cells)
    loads = sorted(cell["load"] for cell in cells)
    busy = sum(cell.get("compared", {}).get("busy", 0) > 0 for cell in cells)
    if cells:
        yield (
            f"Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))} on a machine whose load was "
            f"{loads[0]:.1f} to {loads[-1]:.1f}: the milliseconds are those of a busy machine, the ratios are paired. "
            f"Launches of {busy} cells met another process's work."
        )


def verdict(cell: Cell) -> str:
    """``faster``, ``equal`` (not slower by more than 3 %), ``slower``, or ``?``."""
    found = cell.get("compared", {})
    if "ratio" not in found:
        return "?"
    if found["high"] < 1:
        return "faster"
    if found["low"] > SLOWER:
        return "slower"
    return "equal" if found["high"] <= SLOWER else "?"


def export_row(cell: Cell) -> str:
    """A line of the table of exports."""
    ours, theirs, found = cell["edgekit"], cell["plain"], cell.get("compared", {})
    converted = ours["status"] == "converted"
    ratio = f"{found['ratio']:.3f} ({found['low']:.3f} to {found['high']:.3f})" if "ratio" in found else ""
    columns = [
        cell["subject"],
        cell["format"],
        cell["precision"],
        ours["status"],
        f"{ours['sqnr_db']:.1f} dB" if converted else "",
        str(theirs["transposes"]) if "transposes" in theirs else "no export",
        str(ours["transposes"]) if converted else "",
        f"{found['plain_ms']:.3f}" if "ratio" in found else "",
        f"{found['edgekit_ms']:.3f}" if "ratio" in found else "",
        ratio,
        f"{cell['counted']['ratio']:.3f}" if "ratio" in cell.get("counted", {}) else "",
    ]
    return f"| {' | '.join(columns)} |"


def failures(cells: Sequence[Cell]) -> Iterable[str]:
    """Why something was not exported, or not compared."""
    rows = []
    for cell in cells:
        for side in ("edgekit", "plain", "compared", "counted"):
            if "error" in cell.get(side, {}):
                where = f"{cell['subject']} {cell['format']} {cell['precision']}"
                rows.append(f"| {where} | {side} | {cell[side]['error'].replace('|', chr(92) + '|')} |")
    if rows:
        yield from ("### What failed", "", "| | | why |", "| --- | --- | --- |", *rows, "")


def file_row(cell: Cell) -> str:
    """A line of the table of TFLite files."""
    ours, found = cell["edgekit"], cell.get("compared", {})
    if ours["status"] == "refused":
        return f"| {cell['subject']} | refused: {ours['error']} | | | | |"
    share = "" if ours["delegated"] is None else f"{ours['delegated']:.0%}"
    macs = "" if ours["macs"] is None else f"{ours['macs'] / 1e6:.1f}"
    time = f"{found['edgekit_ms']:.2f}" if "edgekit_ms" in found else ""
    word = f"opened; {found['error']}" if "error" in found else "opened"
    return f"| {cell['subject']} | {word} | {ours['computes']} | {share} | {macs} | {time} |"
