"""Plain exports against edgekit's, every family's default network: ``make bench``, ``python -m benchmarks.bench``.

Makes all artifacts (kept in ``--cache`` by content), measures them paired and interleaved in fresh processes within
``--budget`` minutes, and writes ``bench.json`` (raw samples and all), ``bench.md`` and, when every network and runtime
takes part, the README's summary. ``--build-only`` stops before measuring; ``--resume`` goes on with a run that was
stopped; ``--render`` writes the pages again from ``bench.json``.
"""
# ruff: noqa: T201 - a program, not a part of the package: it prints

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgekit.base.files import check_writable, sha256_file, write_atomic
from edgekit.base.folders import benchmark_folder
from edgekit.base.target import host_target
from edgekit.bench.launch import call_agent
from edgekit.bench.roofline import ceilings
from edgekit.bench.turns import LAUNCH, TURN, TURNS
from edgekit.catalog import cards, find_card
from edgekit.errors import EdgekitError, ToolError, UsageError
from edgekit.types import DeviceInfo, Format, ModelCard
from edgekit.types.answers import RooflineAnswer

from .edgekit_exports import conversion_cost, edgekit_export, edgekit_exports
from .exports import FORMATS, PRECISIONS, UNSIGNED, Made
from .places import PAGES, RESULTS, ROOT
from .plain_exports import plain_export
from .real_weights import real_weights
from .rounds import Block, Plan, append, environment, measure, resume
from .table import page, summary, write_readme

ROUNDS_FILE = "rounds.jsonl"
SHAPE = {**LAUNCH, "turn": TURN, "turns": TURNS}
"""Of a round."""
COSTED = ("mobilenet_v3", "tflite", "int8")
"""The export whose CPU seconds are a goal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code: 0 when every row has its figures, 1 when one has not."""
    options = parse(arguments)
    try:
        return run(options)
    except EdgekitError as error:
        print(f"error: {error}" + (f"\n  {error.hint}" if error.hint else ""), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; the rounds are kept: go on with --resume", file=sys.stderr)
        return 130


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="networks; every family's default when none is named")
    parser.add_argument("--format", action="append", choices=FORMATS, help="runtimes' formats; all when not given")
    parser.add_argument("--cache", type=Path, default=benchmark_folder(), help="artifacts and rounds (%(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of bench.json and bench.md; for all networks benchmarks/results and docs/results, else CACHE/part",
    )
    parser.add_argument("--budget", type=float, default=40.0, help="minutes of measuring (%(default)s)")
    parser.add_argument("--target", type=float, default=2.0, help="half-width of a ratio, percent (%(default)s)")
    parser.add_argument("--max-rounds", type=int, default=20, help="of each network and runtime (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of the runtimes (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="exports at a time (%(default)s)")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--build-only", action="store_true", help="make the artifacts and stop")
    choice.add_argument("--render", action="store_true", help="write the pages again from bench.json")
    parser.add_argument("--resume", action="store_true", help="keep the rounds of an earlier run of the same artifacts")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Build, measure and write what the options ask for."""
    everything = not options.models and not options.format
    out: Path = options.out or (RESULTS if everything else options.cache / "part")
    pages = PAGES if out == RESULTS else out
    if options.render:
        file = out / "bench.json"
        if not file.is_file():
            raise UsageError(f"no results at {file}", "measure first, or name their folder with --out")
        return write(json.loads(file.read_text(encoding="utf-8")), out, pages)
    check_writable(options.cache, "--cache")
    check_writable(out, "--out")
    check_writable(pages, "--out")
    chosen = [find_card(name) for name in options.models] or default_cards()
    formats = tuple(options.format or FORMATS)
    entries = build(chosen, formats, options)
    cost = costs(chosen, formats, options)
    real = trained(options) if everything else None
    if options.build_only:
        return report_build(entries)
    limits = peaks(options.threads)
    blocks = [block_of(entry) for entry in entries]
    key = environment([limits["info"]["cpu"], limits["info"]["system"], limits["versions"], options.threads, SHAPE])
    kept = options.cache / ROUNDS_FILE
    if options.resume:
        say(f"{resume(kept, blocks, key)} rounds of an earlier run count")
    else:
        write_atomic(kept, "")
    plan = Plan(
        threads=options.threads,
        max_rounds=options.max_rounds,
        target=options.target / 100,
        budget_s=options.budget * 60,
    )
    measure(blocks, plan, lambda entry: append(kept, entry, key), say)
    results = {
        "schema_version": 1,
        "complete": {(e["family"], e["format"]) for e in entries} >= full_matrix(),
        "conditions": conditions(limits, options.threads),
        "conversion": cost,
        "real_weights": real,
        "networks": [plain_json(entry) for entry in entries],
        "rounds": [entry for block in blocks for entry in block.rounds],
    }
    return write(results, out, pages)


def default_cards() -> list[ModelCard]:
    """The default variant of every family of the catalog, by name."""
    families = sorted({card.family for card in cards().values()})
    return [find_card(family) for family in families]


def full_matrix() -> set[tuple[str, Format]]:
    """What has to take part for the README's figures: every family on every runtime."""
    return {(card.family, format_) for card in default_cards() for format_ in FORMATS}


# Building ------------------------------------------------------------------------------------------------------------


Plain = dict[tuple[Format, str], Made]


def build(
    chosen: Sequence[ModelCard], formats: tuple[Format, ...], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """All artifacts of the networks, ``options.jobs`` networks at a time; what failed is part of the answer."""

    def one(card: ModelCard) -> Plain:
        plain: Plain = {}
        for format_ in formats:
            for precision in PRECISIONS:
                made = plain_export(card, format_, precision, options.cache)
                say(f"{card.id} {format_}-{precision}: plain {made.error.splitlines()[0] if made.error else 'ready'}")
                plain[format_, precision] = made
            if format_ == "onnx":
                plain[format_, UNSIGNED] = plain_export(card, format_, "int8", options.cache, unsigned=True)
        try:
            edgekit_exports(card, formats, options.cache)
            say(f"{card.id}: edgekit's exports are done")
        except EdgekitError as error:
            say(f"{card.id}: edgekit's exports failed: {error}")
        return plain

    with ThreadPoolExecutor(options.jobs) as pool:
        made = list(pool.map(one, chosen))
    return [
        entry_of(card, format_, plain, options.cache)
        for card, plain in zip(chosen, made, strict=True)
        for format_ in formats
    ]


def entry_of(card: ModelCard, format_: Format, made: Plain, cache: Path) -> dict[str, Any]:
    """One network on one runtime: its artifacts, each a :class:`Made`, and its layers.

    Raises:
        UsageError: the two paths' artifacts have different weights.
    """
    artifacts: dict[str, Made] = {}
    for precision in PRECISIONS:
        plain, ours = made[format_, precision], edgekit_export(card, format_, precision, cache)
        if plain.model_file and ours.model_file and plain.facts["weights_sha256"] != ours.facts["weights_sha256"]:
            raise UsageError(
                f"the exports of {card.id} have different weights: {plain.facts['weights_sha256'][:12]} and "
                f"{ours.facts['weights_sha256'][:12]}",
                f"remove {plain.model_file.parent} and run again",
            )
        artifacts[f"plain-{precision}"], artifacts[f"edgekit-{precision}"] = plain, ours
    if (format_, UNSIGNED) in made:
        artifacts[UNSIGNED] = made[format_, UNSIGNED]
    layers: list[Any] = []
    for one in artifacts.values():
        layers = one.facts.pop("layers", []) or layers
    return {
        "model": card.id,
        "family": card.family,
        "format": format_,
        "macs": card.macs or 0,
        "layers": layers,
        "artifacts": artifacts,
    }


def block_of(entry: dict[str, Any]) -> Block:
    """What of an entry can be measured."""
    artifacts: dict[str, Made] = entry["artifacts"]
    files = {name: made.model_file for name, made in artifacts.items()}
    contenders = {name: (file, sha256_file(file)) for name, file in files.items() if file is not None}
    return Block(entry["model"], entry["format"], contenders)


def plain_json(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without the places of its files."""
    artifacts = {name: {"error": made.error, "facts": made.facts} for name, made in entry["artifacts"].items()}
    return {**entry, "artifacts": artifacts}


def costs(chosen: Sequence[ModelCard], formats: Sequence[Format], options: argparse.Namespace) -> Any:
    """CPU seconds of the export that is a goal, when it takes part; None otherwise."""
    family, format_, precision = COSTED
    card = next((card for card in chosen if card.family == family), None)
    if card is None or format_ not in formats:
        return None
    say(f"{card.id} {format_}-{precision}: CPU seconds of both conversions in turn")
    return conversion_cost(card, "tflite", "int8", options.cache)


def trained(options: argparse.Namespace) -> dict[str, Any] | None:
    """int8 with ImageNet weights; None where they cannot be had here, which is said."""
    say("int8 with ImageNet weights, plain and edgekit's")
    try:
        return real_weights(options.cache)
    except ToolError as error:
        say(f"not measured: {error}")
        return None


def report_build(entries: Sequence[dict[str, Any]]) -> int:
    """Say which artifacts are missing; the exit code."""
    failed = [
        f"{entry['model']} {entry['format']} {name}: {made.error}"
        for entry in entries
        for name, made in entry["artifacts"].items()
        if made.model_file is None
    ]
    for line in failed:
        print(line, file=sys.stderr)
    count = sum(len(entry["artifacts"]) for entry in entries)
    say(f"{count - len(failed)} of {count} artifacts are ready")
    return 1 if failed else 0


# Measuring and writing -----------------------------------------------------------------------------------------------


def peaks(threads: int) -> dict[str, Any]:
    """The agent's ``roofline`` and ``info`` of this machine."""
    found = call_agent({"command": "roofline", "threads": threads}, 120, "measuring the machine's peaks")
    return {**call_agent({"command": "info"}, 60, "asking the machine"), "roofline": found}


def conditions(limits: dict[str, Any], threads: int) -> dict[str, Any]:
    """Where and when it was measured."""
    info = DeviceInfo.from_plain(limits["info"])
    governors = limits["state"]["governor"]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": info.cpu,
        "cores": info.cores,
        "isa": list(info.isa),
        "target": host_target(),
        "system": info.system,
        "governor": None if governors is None else ", ".join(sorted(set(governors.values()))),
        "versions": limits["versions"],
        "threads": threads,
        "launch": SHAPE,
        "ceilings": ceilings(RooflineAnswer.from_plain(limits["roofline"])).to_plain(),
    }


def commit() -> str:
    """The repository's commit, and whether files differ from it."""
    words = []
    for command in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        done = subprocess.run(["git", "-C", str(ROOT), *command], capture_output=True, text=True, check=False)  # noqa: S607
        if done.returncode != 0:
            return "not in a repository"
        words.append(done.stdout.strip())
    return words[0] + (" with changes" if words[1] else "")


def write(results: dict[str, Any], out: Path, pages: Path) -> int:
    """Write the results to ``out`` and the page to ``pages``; return the exit code."""
    write_atomic(out / "bench.json", json.dumps(results, separators=(",", ":")) + "\n")
    write_atomic(pages / "bench.md", page(results))
    if results["complete"]:
        write_readme(ROOT / "README.md", summary(results))
    written = f"{pages / 'bench.md'}" + (" and README.md" if results["complete"] else "")
    say(f"{written} written")
    rounds = {(r["model"], r["format"]) for r in results["rounds"]}
    return 0 if all((entry["model"], entry["format"]) in rounds for entry in results["networks"]) else 1


def say(text: str) -> None:
    """One line of progress with the time since the start."""
    minutes, seconds = divmod(int(time.monotonic() - START), 60)
    print(f"[{minutes:3d}:{seconds:02d}] {text}", file=sys.stderr, flush=True)


START = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
