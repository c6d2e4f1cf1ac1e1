"""How much of each network LiteRT's GPU accelerator takes: ``python -m benchmarks.gpu_share``; see docs/results/gpu.md.

Every family's default network as float32 TFLite, as litert-torch exports it and as ``edgekit export --target
mobile-gpu`` does; each runs one photo on the GPU in float32, in a process of its own. What runs where, in how many
pieces, and how far the outputs are from PyTorch's is read from the machine at hand, so it takes a Vulkan driver; a
software one will do, and then no time is worth anything, so none is told. Rows are kept by the file's digest, LiteRT's
version and the driver, so a run that was stopped goes on where it was; what failed is tried again.
"""
# ruff: noqa: T201 - a program, not a part of the package: it prints

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.store import read_manifest
from edgekit.base.files import sha256_file, write_atomic
from edgekit.base.folders import benchmark_folder
from edgekit.base.images.pixels import load_pixels, normalise
from edgekit.bench.launch import call_agent
from edgekit.catalog import cards, default_cards, find_card, find_profile
from edgekit.errors import EdgekitError, ToolError, UsageError, VerificationError
from edgekit.types import ModelCard
from edgekit.types.artifacts import CHECK_FILE
from edgekit.verbs.export import export
from edgekit.verify.parity import compare

from .gpu_page import KINDS, Row, page
from .places import PAGES, RESULTS
from .plain_exports import plain_export
from .vulkan_driver import drivers

INSPECT_S = 300.0
AGENT_S = 1800.0
"""A software driver compiles the kernels of a large network for minutes."""


def main() -> int:
    """Fill the table; exit code 1 when a file could not be made, 0 also when a GPU refuses one: that is a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="networks; every family's default when none is named")
    parser.add_argument("--cache", type=Path, default=benchmark_folder(), help="keeps what was exported (%(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of gpu.json (%(default)s)")
    parser.add_argument("--page", type=Path, default=PAGES / "gpu.md", help="the page (%(default)s)")
    parser.add_argument("--limit", type=float, default=AGENT_S, help="seconds of one run on the GPU (%(default)s)")
    parser.add_argument("--render", action="store_true", help="write gpu.md again from gpu.json")
    options = parser.parse_args()
    try:
        if options.render:
            write_atomic(options.page, page(read(options.out)))
            return 0
        chosen = [find_card(name) for name in options.models] or default_cards()
        return fill(chosen, options)
    except EdgekitError as error:
        print(f"error: {error}" + (f"\n  {error.hint}" if error.hint else ""), file=sys.stderr)
        return error.exit_code


def fill(chosen: list[ModelCard], options: argparse.Namespace) -> int:
    """Run what no row tells of yet, and write the pages behind every run; the exit code.

    Raises:
        EdgekitError: there is no Vulkan driver, or a file cannot be read or written.
    """
    conditions = {"litert": metadata.version("ai-edge-litert"), "drivers": drivers()}
    rows: list[Row] = []
    if (options.out / "gpu.json").is_file():
        kept = read(options.out)
        rows = kept["rows"] if {key: kept.get(key) for key in conditions} == conditions else []
    failed = 0
    for card in chosen:
        for kind in KINDS:
            try:
                folder, facts = made(card, kind, options.cache)
            except EdgekitError as error:
                print(f"{card.id} {kind}: not exported: {error}", file=sys.stderr)
                failed = 1
                continue
            key = {"model": card.id, "kind": kind, "sha256": sha256_file(folder / "model.tflite")}
            if any(key.items() <= row.items() and not row["error"] for row in rows):
                continue
            row = {**key, **facts, **on_gpu(card, kind, folder, options.limit)}
            rows = [old for old in rows if (old["model"], old["kind"]) != (card.id, kind)] + [row]
            print(f"{card.id} {kind}: {row['gpu_ops']} of {row['ops']} operators on the GPU {row['error']}", flush=True)
            write(options, {**conditions, "date": f"{datetime.now(UTC):%Y-%m-%d}", "rows": rows})
    return failed


def read(folder: Path) -> dict[str, Any]:
    """What an earlier run found.

    Raises:
        UsageError: there is no gpu.json in the folder, or not one of this program.
    """
    file = folder / "gpu.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        found["rows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"cannot read {file}: {error}", "run without --render first, or remove the file") from error
    return dict(found)


def write(options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Write gpu.json and the page, sorted by network."""
    order = list(cards())
    found["rows"].sort(key=lambda row: (order.index(row["model"]), KINDS.index(row["kind"])))
    write_atomic(options.out / "gpu.json", json.dumps(found, indent=1) + "\n")
    write_atomic(options.page, page(found))


def made(card: ModelCard, kind: str, cache: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of a file of one kind, exported when it is missing, and what is told of it.

    Raises:
        EdgekitError: the export failed.
    """
    if kind == "plain":
        found = plain_export(card, "tflite", "fp32", cache)
        if found.model_file is None:
            raise EdgekitError(found.error)
        return found.model_file.parent, {"form": "litert-torch", "size_bytes": found.model_file.stat().st_size}
    profile = find_profile("tflite-fp32").model_copy(update={"target": "mobile-gpu"})
    (outcome,) = export([card.id], [profile], ExportOptions(out=cache / "mobile-gpu"), lambda _: None)
    if outcome.error is not None:
        raise outcome.error
    assert outcome.folder is not None
    artifact = read_manifest(outcome.folder).artifact
    form = "default" if artifact.form is None else artifact.form.name
    return outcome.folder, {"form": form, "size_bytes": artifact.size_bytes}


def on_gpu(card: ModelCard, kind: str, folder: Path, limit_s: float) -> Row:
    """One row: what the file holds, what the accelerator took of it, and how far the outputs are from PyTorch's.

    ops, kinds (operators by type), gpu_ops, partitions, reasons, adapter, emulated, max_abs, output_max, sqnr_db,
    cosine, wrong (the criteria of a float32 export that the outputs miss), error (why there are none).

    Raises:
        EdgekitError: the file cannot be inspected, or the accelerator counts other operators than it holds.
    """
    agent = {"runtime": "litert", "model": str(folder / "model.tflite"), "threads": 1}
    seen = call_agent({**agent, "command": "inspect"}, INSPECT_S, f"inspecting {card.id}")
    kinds = Counter(node["type"] for node in seen["nodes"])
    nothing = dict.fromkeys(
        ("gpu_ops", "partitions", "adapter", "emulated", "max_abs", "output_max", "sqnr_db", "cosine")
    )
    row: Row = {"ops": sum(kinds.values()), "kinds": dict(kinds), **nothing, "reasons": [], "wrong": [], "error": ""}
    with tempfile.TemporaryDirectory() as name:
        given, taken = Path(name, "in.npy"), Path(name, "out.npy")
        image, reference = photo(card, kind, folder)
        np.save(given, image)
        request = {**agent, "command": "run", "accelerator": "gpu", "inputs": str(given), "outputs": str(taken)}
        try:
            told = call_agent(request, limit_s, "the run on the GPU")
            split = told["delegation"]
            if split["gpu_ops"] + split["cpu_ops"] != row["ops"]:
                raise EdgekitError(f"{card.id}: the file has {row['ops']} operators, the accelerator counts {split}")
            row |= {key: split[key] for key in ("gpu_ops", "partitions", "reasons", "adapter", "emulated")}
            parity = compare(reference, np.load(taken), find_profile("tflite-fp32").parity, trained=False)
        except (ToolError, VerificationError) as error:
            return {**row, "error": str(error).splitlines()[0]}
    return {
        **row,
        "max_abs": parity.max_abs,
        "output_max": parity.reference_max_abs,
        "sqnr_db": parity.sqnr_db,
        "cosine": parity.cosine_min,
        "wrong": list(parity.failures),
    }


def photo(card: ModelCard, kind: str, folder: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """An input of the file, ``(1, H, W, C)`` float32, and PyTorch's float32 outputs for it, ``(1, classes)``."""
    if kind == "edgekit":
        with np.load(folder / CHECK_FILE) as saved:
            return saved["input"], saved["reference"]
    pixels = load_pixels(None, card.preprocessing)[0][:1]
    image = normalise(pixels, card.preprocessing).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(image), np.load(folder / "reference.npy")[:1]


if __name__ == "__main__":
    sys.exit(main())
