"""``python -m tools.faults``: let everything fail in turn; exit code 1 when a promise is broken.

Writes ``faults.json`` and ``faults.md``. Needs Linux and gcc; what only root can bring about is left out for others.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from edgekit.base.revision import revision

from .attempt import adopt_orphans, look_briefly
from .conditions import CONDITIONS
from .page import page
from .row import Row, newest
from .scenes import ROOT, SCENES
from .shim import OPERATIONS, STATE, Shim, environment
from .staged import staged_rows
from .table import KINDS, rows
from .turns import numbers

DEVICES = "devices"
"""What tests bring about: see staged.py."""


def arguments_of(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=[*(scene.name for scene in SCENES), DEVICES], help="may be repeated"
    )
    parser.add_argument("--kind", action="append", choices=[*KINDS, "none"], help="at an operation; repeatable")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="let every Nth operation fail")
    parser.add_argument("--at", type=numbers, default=range(1, OPERATIONS + 1), metavar="1-47,51", help="only these")
    parser.add_argument("--loop-only", action="store_true", help="leave out what the machine has too little of")
    parser.add_argument("--add", type=Path, nargs="*", default=[], help="faults.json of earlier runs, to be added to")
    parser.add_argument("--soaks", type=Path, nargs="*", default=[], help="soak.json of make soak, for the page")
    parser.add_argument("--out", type=Path, default=Path("build/faults"), help="folder for faults.md and faults.json")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Try the faults and write the page; the exit code."""
    chosen = arguments_of(words)
    if chosen.every < 1:
        sys.stderr.write(f"--every must be at least 1, got {chosen.every}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # what was started is ended
    adopt_orphans()
    look_briefly()
    shim = Shim(Path(os.environ[STATE]))
    found: dict[tuple[str, str], Row] = {}
    begun = rows(shim, chosen.only or (), chosen.kind or (), chosen.every, chosen.at, not chosen.loop_only, say)
    for row in chain(begun, staged_rows() if not chosen.only or DEVICES in chosen.only else ()):
        found[row.fault, row.command] = row
        write(added(found.values(), chosen.add), chosen)  # a long run that is ended leaves what it has found
    broken = sum(row.broken for row in found.values())
    say(f"{sum(row.tried for row in found.values())} faults, {broken} broke a promise: {chosen.out / 'faults.md'}")
    return 1 if broken else 0


def write(found: list[Row], chosen: argparse.Namespace) -> None:
    """Write the results and their page."""
    known = revision(ROOT)
    results = {
        "where": f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}",
        "revision": known.commit[:7] if known else "unknown",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": [asdict(row) for row in found],
        "soaks": [one for path in chosen.soaks for one in json.loads(path.read_text())],
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "faults.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (chosen.out / "faults.md").write_text(page(results), encoding="utf-8")


def added(found: Iterable[Row], earlier: list[Path]) -> list[Row]:
    """What was found, and what earlier runs found of other operations, faults and commands, command by command."""
    kept = {(row.fault, row.command): row for row in found}
    for path in earlier:
        for plain in json.loads(path.read_text(encoding="utf-8"))["rows"]:
            row = Row.from_plain(plain)
            key = row.fault, row.command
            kept[key] = newest(kept[key], row) if key in kept else row
    return sorted(kept.values(), key=place_of)


def place_of(row: Row) -> tuple[int, int]:
    """Where a row stands in the table: by command, then by fault; what tests bring about comes last, as it came."""
    commands = [scene.name for scene in SCENES]
    kinds = [*(title for title, _ in KINDS.values()), *(one.name for one in CONDITIONS)]
    if row.command not in commands or row.fault not in kinds:
        return len(commands), 0
    return commands.index(row.command), kinds.index(row.fault)


def say(text: str) -> None:
    """One line on stdout, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def again_with_the_shim() -> int:
    """This program once more, with the shim."""
    with tempfile.TemporaryDirectory(prefix="shim-") as own:
        command = [sys.executable, "-m", "tools.faults", *sys.argv[1:]]
        return subprocess.run(command, env={**os.environ, **environment(Path(own))}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if STATE in os.environ else again_with_the_shim())
