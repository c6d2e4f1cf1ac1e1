"""``python -m benchmarks.real_files``: networks and files of others, in every format, plain and by edgekit.

Every cell is a line of ``benchmarks/results/real_files.jsonl`` as soon as it is there, so that a run goes on where one
was stopped; ``--again NAME`` makes the cells of a subject anew. ``docs/results/real-files.md`` follows from the lines.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from edgekit import __version__
from edgekit.base.files import write_atomic
from edgekit.types import Format

from ..places import PAGES, RESULTS
from . import cells
from .page import page
from .subjects import NETWORKS, ONNX_FILES, TFLITE_FILES, Subject

LINES, PAGE = RESULTS / "real_files.jsonl", PAGES / "real-files.md"
FORMATS: tuple[Format, ...] = ("onnx", "tflite", "openvino")
PRECISIONS = ("fp32", "int8")
Key = tuple[str, str, str]


def main() -> None:
    """Make the cells that are missing, then the page."""
    parser = argparse.ArgumentParser(description="Networks and files of others, plain and by edgekit.")
    parser.add_argument("--pairs", type=int, default=8, help="fresh processes of each side")
    parser.add_argument("--only", default="", help="subjects whose name holds this")
    parser.add_argument("--again", default="", help="make cells anew whose SUBJECT-FORMAT-PRECISION holds this")
    parser.add_argument("--precision", choices=PRECISIONS, help="exports of this precision alone")
    parser.add_argument("--page-only", action="store_true", help="write the page from the lines that are there")
    asked = parser.parse_args()
    known = read_cells()
    if not asked.page_only:
        for subject, format_, precision in sorted(wanted(), key=lambda row: row[2] == "int8"):  # float first
            key = (subject.name, format_, precision)
            anew = asked.again and asked.again in "-".join(key)
            left_out = asked.precision in PRECISIONS and precision in PRECISIONS and precision != asked.precision
            if asked.only in subject.name and not left_out and (key not in known or anew):
                made = one_cell(subject, format_, precision, asked.pairs)
                known = read_cells() | {key: made}  # another run may have added its own
                write_atomic(LINES, "".join(json.dumps(cell) + "\n" for cell in known.values()))
    write_atomic(PAGE, page([known[key] for key in map(key_of, wanted()) if key in known], len(list(wanted()))))
    print(f"{len(known)} cells; {PAGE}", file=sys.stderr)  # noqa: T201 - a command


def wanted() -> Iterator[tuple[Subject, Format, str]]:
    """All cells, in the page's order."""
    for subject in (*NETWORKS, *ONNX_FILES):
        for format_ in FORMATS:
            for precision in PRECISIONS:
                yield subject, format_, precision
    for subject in TFLITE_FILES:
        yield subject, "tflite", "as it is"


def key_of(row: tuple[Subject, Format, str]) -> Key:
    """What a cell is known by."""
    return row[0].name, row[1], row[2]


def one_cell(subject: Subject, format_: Format, precision: str, pairs: int) -> cells.Cell:
    """A cell, with when and by which edgekit it was made."""
    with tempfile.TemporaryDirectory(prefix="edgekit-real-files-") as folder:
        if subject.inputs is None:
            cell = cells.looked_into(subject)
        else:
            cell = cells.made(subject, format_, precision, pairs, Path(folder))
    cell |= {"version": __version__, "date": datetime.now(UTC).date().isoformat()}
    print(json.dumps(cell), file=sys.stderr)  # noqa: T201 - progress of a command
    return cell


def read_cells() -> dict[Key, cells.Cell]:
    """The lines that are there."""
    lines = LINES.read_text().splitlines() if LINES.is_file() else []
    return {(cell["subject"], cell["format"], cell["precision"]): cell for cell in map(json.loads, lines)}


if __name__ == "__main__":
    main()
