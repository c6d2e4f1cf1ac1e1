"""The export matrix as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ...base.clean import for_markdown
from ...verbs.matrix import Cell, Matrix, way

MEGABYTE = 1e6


def matrix_markdown(made: Matrix) -> str:
    """A table a family, a row a variant and precision, a column a format; then the reasons of what failed, in full."""
    failures = made.failures
    kind = "a float32 artifact" if made.precisions == ("fp32",) else "an artifact"
    lines = [
        "# Export matrix",
        "",
        (
            f"Every cell is {kind} made by `edgekit matrix` (edgekit {made.edgekit}) with random weights, "
            "compared with the float network and audited before it counts as ok: seconds to convert, MB on a device, "
            "signal to noise of the comparison."
        ),
        "",
        f"{len(made.cells) - len(failures)} of {len(made.cells)} ok.",
    ]
    for family, cells in groupby(made.cells, key=lambda cell: cell.family):
        lines += ["", f"## {family}", "", *table(list(cells), made)]
    if failures:
        lines += ["", "## Reasons", ""]
        lines += [
            f"- `{c.model}` {way(c, made.precisions)}, {c.status}: {for_markdown(' / '.join(c.reason.splitlines()))}"
            for c in failures
        ]
    return "\n".join(lines) + "\n"


def table(cells: Sequence[Cell], made: Matrix) -> list[str]:
    """The rows of one family; the precision stands in a column of its own where there are several."""
    several = len(made.precisions) > 1
    heads = ["variant", *(["precision"] if several else []), *made.formats]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for (model, precision), row in groupby(cells, key=lambda cell: (cell.model, cell.precision)):
        named = [f"`{model}`", *([precision] if several else [])]
        lines.append(f"| {' | '.join([*named, *(cell_text(cell) for cell in row)])} |")
    return lines


def cell_text(cell: Cell) -> str:
    """``ok, 12.3 s, 5.52 MB, 114 dB`` or ``failed to convert, 8.1 s``."""
    if cell.size_bytes is None:
        return f"**{cell.status}**, {cell.seconds:.1f} s"
    size = f"{cell.size_bytes / MEGABYTE:.2f} MB"
    return f"ok, {cell.seconds:.1f} s, {size}, {cell.sqnr_db:.0f} dB"
