"""``python -m benchmarks.every_card``: all cards, 12 ways each, at the smallest size of image.

Every cell is a line of ``benchmarks/results/every_card.jsonl`` as soon as it is there, so that a run goes on where one
was stopped. ``docs/results/every-card.md`` follows from the lines. All cards take some two hours of CPU time; ``--share
1/2`` and ``--share 2/2`` may run beside each other.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
import tempfile
from pathlib import Path

from edgekit.base.files import write_atomic

from ..places import PAGES, RESULTS, ROOT
from .page import page

LINES, PAGE = RESULTS / "every_card.jsonl", PAGES / "every-card.md"


def main() -> None:
    """Make the cells of the cards that are missing, then the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.every_card")
    parser.add_argument("--card", action="append", help="only this card, anew; may be repeated")
    parser.add_argument("--share", default="1/1", help="the cards of one of several runs, such as 1/2")
    parser.add_argument("--page-only", action="store_true", help="write the page from the lines that are there")
    asked = parser.parse_args()
    if not asked.page_only:
        make(asked.card or missing(asked.share))
    explain()
    names = cards()
    write_atomic(PAGE, page(read_cells(), names))
    print(f"{PAGE} written", file=sys.stderr)  # noqa: T201 - a command


def make(names: list[str]) -> None:
    """The cells of these cards."""
    from .ways import every_way

    for number, name in enumerate(names, 1):
        with tempfile.TemporaryDirectory(prefix="edgekit-every-card-") as folder:
            made = list(every_way(name, Path(folder)))
        keep(made)
        failed = [f"{one['format']} {one['precision']}: {one['failed']}" for one in made if "failed" in one]
        seconds = sum(one["cpu_s"] for one in made)
        print(f"{number}/{len(names)} {name}: {seconds:.0f} s; {failed or 'ok'}", file=sys.stderr)  # noqa: T201


def explain() -> None:
    """Tell of each card with a failure how exact PyTorch itself is, as rounding may be all that is wrong."""
    from .ways import own_rounding

    for name in sorted({str(cell["card"]) for cell in read_cells() if "failed" in cell and "rounding" not in cell}):
        with tempfile.TemporaryDirectory(prefix="edgekit-every-card-") as folder:
            found = float(f"{own_rounding(name, Path(folder)):.2g}")
        keep(
            [{**cell, "rounding": found} if "failed" in cell else cell for cell in read_cells() if cell["card"] == name]
        )


def cards() -> list[str]:
    """The ids of all cards that come with edgekit."""
    return sorted(path.stem for path in (ROOT / "models").glob("*.toml"))


def missing(share: str) -> list[str]:
    """The cards of a share that have no cells yet, the deepest families last."""
    place, _, shares = share.partition("/")
    known = {cell["card"] for cell in read_cells()}
    return [name for name in cards()[::-1][int(place) - 1 :: int(shares)] if name not in known]


def read_cells() -> list[dict[str, object]]:
    """The lines that are there."""
    return [json.loads(line) for line in LINES.read_text().splitlines()] if LINES.is_file() else []


def keep(made: list[dict[str, object]]) -> None:
    """Put the cells of a card in the place of what was known of it; others may do the same for theirs."""
    lock = os.open(RESULTS, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        others = [cell for cell in read_cells() if cell["card"] != made[0]["card"]]
        rows = sorted([*others, *made], key=lambda cell: str(cell["card"]))
        write_atomic(LINES, "".join(json.dumps(cell) + "\n" for cell in rows))
    finally:
        os.close(lock)


if __name__ == "__main__":
    main()
