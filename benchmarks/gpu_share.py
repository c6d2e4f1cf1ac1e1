"""How much of each network LiteRT's GPU accelerator takes: ``python -m benchmarks.gpu_share``; writes docs/gpu.md.

Every family's default network as float32 TFLite, as litert-torch exports it and as ``edgekit export --target
mobile-gpu`` does; each runs one photo on the GPU in float32, in a process of its own. What runs where, in how many
pieces, and how far the outputs are from PyTorch's is read from the machine at hand, so it takes a Vulkan driver; a
software one will do, and then no time is worth anything, so none is told. Rows are kept by the file's digest, so a run
that was stopped goes on where it was.
"""
# ruff: noqa: T201 - a program, not a part of the package: it prints

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.bench.launch import call_agent
from edgekit.catalog import cards, default_cards, find_card, find_profile
from edgekit.errors import EdgekitError
from edgekit.files import sha256_file, write_atomic
from edgekit.pixels import load_pixels, normalise
from edgekit.types import ModelCard
from edgekit.workflows.artifacts import CHECK_FILE, read_manifest
from edgekit.workflows.export import export
from edgekit.workflows.prepare import ExportOptions

from .bench import default_cache
from .exports import ROOT
from .gpu_page import page
from .plain_exports import plain_export

KINDS = ("plain", "edgekit")
AGENT_S = 1200.0


def main() -> int:
    """Fill the table; exit code 1 when a file could not be made, 0 also when a GPU refuses one: that is a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="networks; every family's default when none is named")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="keeps what was exported (%(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="gets gpu.json and gpu.md")
    options = parser.parse_args()
    file = options.out / "gpu.json"
    kept = json.loads(file.read_text())["rows"] if file.is_file() else []
    rows: list[dict[str, Any]] = []
    chosen = [find_card(name) for name in options.models] or default_cards()
    failed = 0
    for card in chosen:
        for kind in KINDS:
            try:
                folder, facts = made(card, kind, options.cache)
            except EdgekitError as error:
                print(f"{card.id} {kind}: not exported: {error}", file=sys.stderr)
                failed = 1
                continue
            digest = sha256_file(folder / "model.tflite")
            known = [row for row in kept if (row["model"], row["kind"], row["sha256"]) == (card.id, kind, digest)]
            row = known[0] if known else {"model": card.id, "kind": kind, "sha256": digest, **facts,
                                          **on_gpu(card, kind, folder)}  # fmt: skip
            rows.append(row)
            print(f"{card.id} {kind}: {row['gpu_ops']} of {row['ops']} operators on the GPU {row['error']}", flush=True)
            write(options.out, [row for row in kept if (row["model"], row["kind"]) not in made_of(rows)] + rows)
    return failed


def made_of(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Which networks in which kind the rows are about."""
    return {(row["model"], row["kind"]) for row in rows}


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    """gpu.json and gpu.md, by network."""
    order = list(cards())
    rows = sorted(rows, key=lambda row: (order.index(row["model"]), KINDS.index(row["kind"])))
    found = {"litert": metadata.version("ai-edge-litert"), "rows": rows}
    write_atomic(folder / "gpu.json", json.dumps(found, indent=1) + "\n")
    write_atomic(folder / "gpu.md", page(found))


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


def on_gpu(card: ModelCard, kind: str, folder: Path) -> dict[str, Any]:
    """One row: gpu_ops, ops, partitions, reasons, outside, adapter, emulated, max_abs, output_max, error."""
    agent = {"runtime": "litert", "model": str(folder / "model.tflite"), "threads": 1}
    seen = call_agent({**agent, "command": "inspect"}, AGENT_S, f"inspecting {card.id}")
    kinds = Counter(node["type"] for node in seen["nodes"])
    row: dict[str, Any] = {"ops": sum(kinds.values()), "kinds": dict(kinds), "gpu_ops": None, "partitions": None,
                           "reasons": [], "adapter": None, "emulated": None, "max_abs": None, "output_max": None,
                           "error": ""}  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        given, taken = Path(name, "in.npy"), Path(name, "out.npy")
        image, reference = photo(card, kind, folder)
        np.save(given, image)
        request = {**agent, "command": "run", "accelerator": "gpu", "inputs": str(given), "outputs": str(taken)}
        try:
            told = call_agent(request, AGENT_S, "the run on the GPU")
        except EdgekitError as error:
            return {**row, "error": str(error).splitlines()[0]}
        outputs = np.load(taken).astype(np.float64)
    split = told["delegation"]
    if split["gpu_ops"] + split["cpu_ops"] != row["ops"]:
        raise EdgekitError(f"{card.id}: the file has {row['ops']} operators, the accelerator counts {split}")
    return {
        **row,
        **{key: split[key] for key in ("gpu_ops", "partitions", "reasons", "adapter", "emulated")},
        "max_abs": float(np.abs(outputs - reference).max()),
        "output_max": float(np.abs(reference).max()),
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
