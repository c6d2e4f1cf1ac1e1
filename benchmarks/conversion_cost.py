"""What a conversion costs: ``python conversion_cost.py [MODEL...] [--precision int8] [--rounds 3]``.

CPU seconds of whole processes, imports included, children included: the plain path (a program that builds the network
in PyTorch and uses litert-torch and ai-edge-quantizer by their defaults, calibrated on the same 16 photos, nothing
verified) and ``edgekit export --no-cache``, which verifies too. In turns, the median of each.
"""

# ruff: noqa: T201 - a program, not a package; it prints

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from edgekit.base.processes.isolate import METER, wait
from edgekit.catalog import default_cards, find_card

HEAD = f"{'model':<28} {'precision':<9} {'plain CPU s':>11} {'edgekit CPU s':>13} {'edgekit / plain':>15}"
PLAIN = """
import sys
import numpy as np
import torch
from edgekit.catalog import find_card
from edgekit.base.images.pixels import load_pixels, normalise
from edgekit.zoo.registry import create

card, precision, path = find_card(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.manual_seed(0)
network = create(card)
photos = normalise(load_pixels(None, card.preprocessing)[0], card.preprocessing)
nhwc = [np.ascontiguousarray(photo.transpose(1, 2, 0)[None]) for photo in photos]

import litert_torch

with torch.no_grad():
    edge = litert_torch.convert(litert_torch.to_channel_last_io(network, args=[0]), (torch.from_numpy(nhwc[0]),))
edge.export(path)
if precision == "int8":
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(path, recipe.static_wi8_ai8())
    ranges = tool.calibrate({"serving_default": [{"args_0": photo} for photo in nhwc]})
    quantized = bytes(tool.quantize(ranges).quantized_model)  # first: the tool still reads the file
    open(path, "wb").write(quantized)
"""


def cpu_seconds(command: list[str], log: Path) -> float:
    """Run a program; CPU seconds of it and of all its children.

    Raises:
        SystemExit: it failed; its output is shown.
    """
    spent = METER.seconds
    with log.open("wb") as stream:
        code = wait(subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT))
    if code:
        sys.exit(f"{command} ended with {code}:\n{log.read_text(errors='replace')[-2000:]}")
    return METER.seconds - spent


def compare(model: str, precision: str, rounds: int, folder: Path) -> tuple[float, float]:
    """Median CPU seconds of the plain path and of edgekit."""
    plain = [sys.executable, "-c", PLAIN, model, precision, str(folder / "plain.tflite")]
    ours = [sys.executable, "-c", "from edgekit.cli import main; main()", "export", model, "--format", "tflite"]
    ours += ["--no-cache", "--out", str(folder / "artifacts"), *(["--int8"] if precision == "int8" else [])]
    costs: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(rounds):
        pair = {"plain": plain, "ours": ours}
        for name in sorted(pair, reverse=bool(number % 2)):
            costs[name].append(cpu_seconds(pair[name], folder / "log.txt"))
    return statistics.median(costs["plain"]), statistics.median(costs["ours"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="ids; the default of every family when left out")
    parser.add_argument("--precision", action="append", choices=("fp32", "int8"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, {options.rounds} rounds in turns, median")
    print(HEAD, flush=True)
    ratios = []
    with tempfile.TemporaryDirectory(prefix="edgekit-cost-") as folder:
        for model in [find_card(m).id for m in options.models] or [card.id for card in default_cards()]:
            for precision in options.precision or ("fp32", "int8"):
                plain, ours = compare(model, precision, options.rounds, Path(folder))
                ratios.append(ours / plain)
                print(f"{model:<28} {precision:<9} {plain:11.1f} {ours:13.1f} {ratios[-1]:15.2f}", flush=True)
    print(f"geometric mean of edgekit / plain: {math.exp(statistics.fmean(map(math.log, ratios))):.2f}")


if __name__ == "__main__":
    main()
