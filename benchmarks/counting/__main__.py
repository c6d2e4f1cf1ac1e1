"""``python -m benchmarks.counting``: counts on simulated boards; ``--write`` makes the page from the figures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.counting.faults import all_faults
from benchmarks.counting.forms import FILE as FORMS
from benchmarks.counting.forms import TARGETS
from benchmarks.counting.page import page
from benchmarks.counting.published import compare
from benchmarks.counting.repeat import add_repeats, repeated
from benchmarks.places import PAGES, RESULTS
from edgekit import __version__
from edgekit.artifacts.store import read_manifest
from edgekit.base.files import write_atomic
from edgekit.base.folders import benchmark_folder
from edgekit.base.progress import silent
from edgekit.base.scratch import scratch_folder
from edgekit.counting.emulator import prepare
from edgekit.counting.plugin_file import source_digest
from edgekit.devices.virtual.simulated import SIMULATED

FILE = RESULTS / "counting.json"


def main(
    params: Annotated[
        Path | None, typer.Option(help="Folder benchmark/models of ncnn's repository: compare with published times.")
    ] = None,
    repeat: Annotated[list[Path] | None, typer.Option(help="Artifact to count in many processes; repeatable.")] = None,
    processes: Annotated[int, typer.Option(help="How many.")] = 20,
    faulty: Annotated[bool, typer.Option("--faults", help="Put faults into artifacts, and gate them.")] = False,
    boards: Annotated[list[str], typer.Option("--against", help="Simulated boards to compare; repeatable.")] = [  # noqa: B006
        "sim-rpi4",
        "sim-rpi5",
        "sim-a53",
    ],
    board: Annotated[str, typer.Option(help="Where repeats and faults are counted.")] = "sim-rpi4",
    write: Annotated[bool, typer.Option("--write", help="Write the page from the kept figures.")] = False,
) -> None:
    """Count what is asked for, keep the figures, and write the page."""
    figures: dict[str, Any] = json.loads(FILE.read_text()) if FILE.is_file() else {}
    if params is not None:
        found = compare(params, boards, benchmark_folder(), benchmark_folder() / "counting_ncnn.json")
        before = figures.get("published", found)
        if before["runtime"] == found["runtime"]:
            found["boards"] = {**before["boards"], **found["boards"]}
        figures["published"] = found
    ready = prepare(SIMULATED[board], silent)
    if repeat:
        counted = [repeated(read_manifest(path), ready, processes) for path in repeat]
        add_repeats(figures, counted)
    if faulty:
        with scratch_folder("faults") as scratch:
            for row in all_faults(ready, TARGETS[board], benchmark_folder(), scratch):
                others = [one for one in figures.get("faults", []) if one["fault"] != row["fault"]]
                figures["faults"] = [*others, row]
                write_atomic(FILE, json.dumps(figures, indent=1) + "\n")
    if params or repeat or faulty:
        figures["conditions"] = {
            "date": datetime.now(UTC).isoformat(timespec="minutes"),
            "QEMU": ready.emulator.version,
            "plugin": source_digest(),
            "edgekit": __version__,
        }
        write_atomic(FILE, json.dumps(figures, indent=1) + "\n")
    if write:
        write_atomic(PAGES / "counting.md", page(figures, json.loads(FORMS.read_text())))


if __name__ == "__main__":
    typer.run(main)
