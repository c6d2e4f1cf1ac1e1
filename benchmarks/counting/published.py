"""ncnn's own networks, counted on simulated boards and modelled, against the times that ncnn publishes for the boards.

The same runtime and the same networks on both sides, one thread; nothing of the model is fitted to these times. They
are the ``avg`` of the one-thread sections of ``benchmark/README.md`` in ncnn's repository at commit a4d2ea1d.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from edgekit.base.files import write_atomic
from edgekit.base.progress import silent
from edgekit.base.scratch import scratch_folder
from edgekit.counting.emulator import Ready, SimulatedMachine, prepare
from edgekit.counting.model import cores, estimate
from edgekit.counting.output import read_output
from edgekit.devices.virtual.build import GLIBC, PYTHON
from edgekit.devices.virtual.simulated import SIMULATED
from edgekit.types import Counts

NCNN = "ncnn==1.0.20261020"
INSIDE = Path(__file__).with_name("ncnn_inside.py")
NETWORKS = {
    "squeezenet": 227,
    "mobilenet": 224,
    "mobilenet_v2": 224,
    "mobilenet_v3": 224,
    "shufflenet": 224,
    "shufflenet_v2": 224,
    "mnasnet": 224,
    "squeezenet_int8": 227,
    "mobilenet_int8": 224,
}
"""Name of the file, and height and width of its input."""
PUBLISHED_MS: dict[str, dict[str, float]] = {
    "sim-a53": {
        "squeezenet": 125.58,
        "mobilenet": 205.65,
        "mobilenet_v2": 158.8,
        "mobilenet_v3": 127.23,
        "shufflenet": 84.89,
        "shufflenet_v2": 74.44,
        "mnasnet": 148.42,
        "squeezenet_int8": 135.98,
        "mobilenet_int8": 181.91,
    },
    "sim-rpi4": {
        "squeezenet": 73.96,
        "mobilenet": 124.32,
        "mobilenet_v2": 93.48,
        "mobilenet_v3": 72.81,
        "shufflenet": 47.51,
        "shufflenet_v2": 42.12,
        "mnasnet": 83.98,
        "squeezenet_int8": 69.42,
        "mobilenet_int8": 84.82,
    },
    "sim-rpi5": {
        "squeezenet": 11.87,
        "mobilenet": 20.3,
        "mobilenet_v2": 16.38,
        "mobilenet_v3": 11.8,
        "shufflenet": 7.2,
        "shufflenet_v2": 7.14,
        "mnasnet": 12.99,
        "squeezenet_int8": 11.82,
        "mobilenet_int8": 14.44,
    },
}
"""By simulated board and network, milliseconds of one inference on one core."""
LAUNCH_S = 900.0


def fetch_ncnn(folder: Path) -> Path:
    """The folder of ncnn's aarch64 wheel, unpacked by pip into ``folder`` when it is not there."""
    site = folder / NCNN
    if not site.is_dir():
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary=:all:",
            "--implementation=cp", f"--python-version={PYTHON}", "--abi=cp311",
            *(f"--platform={glibc}_aarch64" for glibc in GLIBC), "--target", str(site), NCNN,
        ]  # fmt: skip
        subprocess.run(command, check=True)
    return site


def count_network(ready: Ready, site: Path, param: Path, side: int) -> Counts:
    """What one inference of a network executes on ncnn.

    Raises:
        subprocess.CalledProcessError: ncnn or QEMU failed; the error holds what they said.
        ToolError: the plugin wrote nothing.
    """
    levels = sum(kind != "Instruction" for _, kind, _, _ in ready.board.caches)
    with scratch_folder("ncnn") as folder:
        machine = SimulatedMachine(ready, folder)
        request = folder / "request.json"
        told = {"site": str(site), "param": str(param), "height": side, "width": side, "warmup": 2, "inferences": 2}
        request.write_text(json.dumps(told))
        command = machine.command(str(INSIDE), str(request))
        subprocess.run(command, check=True, capture_output=True, timeout=LAUNCH_S)
        return read_output(machine.output, levels).counts[-1]


def compare(params: Path, boards: Sequence[str], scratch: Path, kept: Path) -> dict[str, Any]:
    """Counts, modelled and published times of every network on every board.

    Args:
        params: ncnn's ``benchmark/models``.
        boards: simulated boards.
        scratch: where ncnn's wheel is kept.
        kept: a file that gets each count as it is known; a run that is broken off goes on from there.
    """
    site = fetch_ncnn(scratch)
    counted: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
    for name in boards:
        ready = prepare(SIMULATED[name], silent)
        for network, side in NETWORKS.items():
            if network in counted.setdefault(name, {}):
                continue
            counted[name][network] = count_network(ready, site, params / f"{network}.param", side).to_plain()
            write_atomic(kept, json.dumps(counted))
            sys.stderr.write(f"{name} {network}: {counted[name][network]['instructions']:,} instructions\n")
    return {"runtime": NCNN, "boards": {name: modelled(name, counted[name]) for name in boards}}


def modelled(name: str, counted: dict[str, Any]) -> dict[str, Any]:
    """A board's counts as times of the model, beside the published ones."""
    board = SIMULATED[name]
    rows = {}
    for network, plain in counted.items():
        counts = Counts.from_plain(plain)
        made = estimate(counts, cores()[board.cpu], board.khz[1] // 1000)
        rows[network] = {
            "counts": plain,
            "instructions": counts.instructions,
            "modelled_ms": made.latency_ms,
            "published_ms": PUBLISHED_MS[name][network],
        }
    return {
        "core": board.cpu,
        "networks": rows,
        "float32": summary(rows, "float32"),
        "int8": summary(rows, "int8"),
    }


def summary(rows: dict[str, dict[str, Any]], which: str) -> dict[str, float]:
    """Errors of the modelled times of the float or the int8 networks, and the rank correlation."""
    chosen = [row for name, row in rows.items() if name.endswith("_int8") == (which == "int8")]
    ratios = [row["modelled_ms"] / row["published_ms"] for row in chosen]
    if not ratios:
        return {}
    errors = [abs(ratio - 1) for ratio in ratios]
    made: dict[str, float] = {
        "median_ratio": statistics.median(ratios),
        "median_error": statistics.median(errors),
        "largest_error": max(errors),
    }
    if len(chosen) > 2:
        made["rank"] = float(spearmanr([r["modelled_ms"] for r in chosen], [r["published_ms"] for r in chosen])[0])
        made["rank_of_instructions"] = float(
            spearmanr([r["instructions"] for r in chosen], [r["published_ms"] for r in chosen])[0]
        )
    return made
