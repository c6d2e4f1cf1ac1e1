"""The proof of ``edgekit gate``: how often it cries wolf, and what it catches.

::

    python -m benchmarks.gate_proof simulate --gates 20000
    python -m benchmarks.gate_proof real ARTIFACTS --case aa=200 --cpu 1 --nice -10
    python -m benchmarks.gate_proof write

``real`` runs the gate's own engine on this machine: the same artifact twice (A/A), and candidates that are slower in
truth: a busy loop after each inference, one thread fewer, XNNPACK off, a group convolution split into several. Each
gate is appended to the file as it ends; started again it goes on, until every case has the number of gates that was
asked for. ``--seconds`` ends it early, so that it can run in short bursts. Launches are shorter than in earnest
(``LIMITS``), which makes them noisier, not quieter, and no guard drops a pair unless the case says so: guards can only
take pairs away.
"""
# ruff: noqa: T201 - a program, not a package; it prints

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import gate_simulation
from benchmarks.places import PAGES, RESULTS
from edgekit.artifacts.store import read_manifest
from edgekit.base.files import sha256_file, write_atomic
from edgekit.base.progress import silent
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Limits, Session
from edgekit.devices.environments import Wanted, python_with
from edgekit.devices.local import LOCAL
from edgekit.gate.baselines import Found
from edgekit.gate.engine import run_gate, settle
from edgekit.gate.guards import Guards
from edgekit.gate.pairs import Pairing, Role
from edgekit.gate.upgrade import RuntimePairing, compare_outputs
from edgekit.types import GateResult, GateRule, Pair, Stored
from edgekit.types.answers import BenchAnswer
from edgekit.verbs.gate import Planned, draft_of

LIMITS = Limits(warmup_min_iterations=5, warmup_min_s=0.05, min_iterations=20, min_s=0.1, max_s=0.3)
UNGUARDED = Guards(sentinel=1e9, load=1e9, waited=1e9, uneven=1e9)
GUARDED = Guards(load=1e9)
"""All but the run queue, an average over a minute: what this machine did before is not ours to choose."""


@dataclass(frozen=True)
class Case:
    """One kind of gate.

    Attributes:
        says: what the candidate is.
        profile: of the artifact that is measured.
        slowdown: share of the median that a busy loop adds.
        handicap: see the agent's ``bench``.
        threads: of both sides.
        split: split the candidate's group convolutions.
        busy: run a neighbour that comes and goes; its longest rest in seconds, None for no neighbour.
        guards: what drops a pair.
        upgrade: a runtime's package, of which both sides run the same version in two environments.
    """

    says: str
    profile: str = "tflite-fp32"
    slowdown: float = 0.0
    handicap: dict[str, int | bool] | None = None
    threads: int = 1
    split: bool = False
    busy: float | None = None
    guards: Guards = UNGUARDED
    upgrade: str = ""


CASES = {
    "aa": Case("the same artifact twice"),
    "aa-onnx": Case("the same artifact twice", profile="onnx-fp32"),
    "aa-upgrade": Case("one version of ONNX Runtime in two environments", profile="onnx-fp32", upgrade="onnxruntime"),
    **{f"busy-{n}": Case(f"a busy loop of {n} % of the median", slowdown=n / 100) for n in (1, 2, 3, 5, 10)},
    "no-xnnpack": Case("XNNPACK off", handicap={"no_delegate": True}),
    "thread-fewer": Case("one thread in place of two", handicap={"threads": 1}, threads=2),
    "split-conv": Case("group convolutions split", profile="onnx-fp32", split=True),
    "neighbour": Case("the same artifact twice while a neighbour comes and goes", busy=2.0, guards=GUARDED),
    "neighbour-seldom": Case("the same, the neighbour rests up to a minute", busy=60.0, guards=GUARDED),
    "neighbour-none": Case("the same artifact twice, all guards on, no neighbour of ours", guards=GUARDED),
    "neighbour-unguarded": Case("a neighbour that comes and goes, and nothing but the statistics to notice", busy=2.0),
}


def split_group_convolutions(model: Path, to: Path) -> int:
    """Replace each ONNX convolution of several groups, depthwise ones excepted, by one convolution per group."""
    import onnx
    from onnx import helper, numpy_helper

    network = onnx.load(model)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in network.graph.initializer}
    nodes, count = [], 0
    for node in network.graph.node:
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        if node.op_type != "Conv" or groups == 1 or weights[node.input[1]].shape[1] == 1:
            nodes.append(node)
            continue
        count += 1
        kept = [a for a in node.attribute if a.name != "group"]
        parts = [f"{node.output[0]}_group{g}" for g in range(groups)]
        nodes.append(helper.make_node("Split", [node.input[0]], [f"{p}_in" for p in parts], axis=1, num_outputs=groups))
        for g, part in enumerate(parts):
            inputs = [f"{part}_in"]
            for name in node.input[1:]:
                piece = weights[name].reshape(groups, -1, *weights[name].shape[1:])[g]
                network.graph.initializer.append(numpy_helper.from_array(piece.copy(), f"{part}_{name}"))
                inputs.append(f"{part}_{name}")
            conv = helper.make_node("Conv", inputs, [part], name=part)
            conv.attribute.extend(kept)
            nodes.append(conv)
        nodes.append(helper.make_node("Concat", parts, list(node.output), axis=1))
    del network.graph.node[:]
    network.graph.node.extend(nodes)
    onnx.checker.check_model(network)
    onnx.save(network, to)
    return count


def copy_of(folder: Path, to: Path, split: bool) -> Path:
    """A candidate: a copy of the artifact, its group convolutions split when asked, its manifest true."""
    shutil.copytree(folder, to)
    if split:
        stored = read_manifest(to)
        model = to / stored.artifact.model_file
        if split_group_convolutions(folder / stored.artifact.model_file, model) == 0:
            raise SystemExit(f"{folder} has no group convolution to split")
        entry = stored.artifact.files[0].model_copy(
            update={"sha256": sha256_file(model), "size_bytes": model.stat().st_size}
        )
        changed = stored.artifact.model_copy(update={"files": (entry, *stored.artifact.files[1:])})
        (to / "manifest.json").write_text(changed.model_dump_json())
    return to


NEIGHBOUR = """
import random, sys, time
dice = random.Random(int(sys.argv[1]))
while True:
    until = time.perf_counter() + dice.uniform(0.2, 2.0)
    while time.perf_counter() < until:
        bytearray(1 << 20)
    time.sleep(dice.uniform(0.2, float(sys.argv[2])))
"""


@contextmanager
def neighbours(rest_s: float | None, seed: int) -> Iterator[None]:
    """Two other programs that work and rest at random on the CPUs that we use, at our priority; none without a rest."""
    started = [
        subprocess.Popen([sys.executable, "-c", NEIGHBOUR, str(seed + number), str(rest_s)])
        for number in range(0 if rest_s is None else 2)
    ]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


class Prioritised(ThisMachine):
    """This machine at a priority that other sessions feel: Linux weighs sessions first, then processes within one."""

    def __init__(self, nice: int, python: str | None = None) -> None:
        """``nice`` from -20 (most) to 19."""
        super().__init__(python)
        self.nice = nice

    def command(self, program: str, argument: str) -> list[str]:
        """The agent's command line after a word to the scheduler."""
        plain = super().command(program, argument)
        script = 'echo "$0" > /proc/self/autogroup; exec "$@"'
        return ["sh", "-c", script, str(self.nice), *plain] if self.nice else plain


def run_case(name: str, folder: Path, scratch: Path, seed: int, priority: int) -> GateResult:
    """One gate of a case."""
    case = CASES[name]
    candidate = scratch / name
    if not candidate.exists():
        copy_of(folder, candidate, case.split)
    handicap = dict(case.handicap or {})
    old, new = read_manifest(folder), read_manifest(candidate)
    planned = Planned(LOCAL, new, Found(old, None), GateRule(), LIMITS, case.guards, case.threads)
    session = Session(Prioritised(priority), LOCAL, threads=case.threads, limits=LIMITS)
    sides: dict[Role, Stored] = {"baseline": old, "candidate": new}
    pairing = Pairing(session, sides, handicap, case.guards)
    if case.upgrade:
        pairing = two_environments(case.upgrade, sides, priority, case, scratch)
    if case.slowdown:
        handicap["busy_ns"] = round(case.slowdown * undisturbed_ns(pairing))
    draft = draft_of(planned, 1, seed, datetime.now(UTC), handicap)
    with neighbours(case.busy, seed):
        return settle([run_gate(draft, pairing, None, False, lambda _: None)])[0]


def two_environments(
    package: str, sides: dict[Role, Stored], priority: int, case: Case, scratch: Path
) -> RuntimePairing:
    """Pairs under the installed version of a runtime, in two environments of their own; the outputs must be equal."""
    asked = Wanted(package, metadata.version(package))
    old, new = (
        Session(
            Prioritised(priority, str(python_with(asked, silent, scratch / side))),
            LOCAL,
            threads=case.threads,
            limits=LIMITS,
        )
        for side in ("environments-a", "environments-b")
    )
    pairing = RuntimePairing(old, sides, guards=case.guards, other=new)
    compared = compare_outputs(pairing)
    if compared.words != "the outputs are identical":
        raise SystemExit(f"one version in two environments: {compared.words}")
    return pairing


def undisturbed_ns(pairing: Pairing) -> float:
    """The smallest median of a few launches of the baseline: what an inference takes when nobody else is there."""
    answers = [pairing.ask(BenchAnswer, "baseline", **LIMITS.request()) for _ in range(5)]
    return min(float(statistics.median(answer.samples_ns)) for answer in answers)


def line_of(name: str, result: GateResult) -> dict[str, Any]:
    """What is kept of a gate: everything that the verdict follows from, without the raw samples."""
    return {
        "case": name,
        "model": result.model,
        "profile": result.profile,
        "threads": result.threads,
        "handicap": result.handicap,
        "status": result.status,
        "reason": result.reason,
        "looks": [look.to_plain() for look in result.looks],
        "log_ratios": [round(pair.log_ratio, 6) for pair in result.kept],
        "candidate_first": [pair.candidate_first for pair in result.kept],
        "dropped": len(result.pairs) - len(result.kept),
        "disturbed": sum(pair.disturbed for pair in result.pairs),
        "waited": [round(share, 4) for pair in result.kept for share in waits(pair, result.threads)],
        "baseline_ms": result.p50_ms("baseline"),
        "sentinel_ms": [round(pair.after.sentinel_ns / 1e6, 2) for pair in result.pairs],
        "load_1m": [pair.after.state.load_1m for pair in result.pairs],
        "cpu": result.conditions.cpu if result.conditions else None,
        "runtime_version": result.conditions.runtime_version if result.conditions else None,
        "seed": result.seed,
        "seconds": round(result.seconds, 1),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "edgekit_version": result.edgekit_version,
    }


def waits(pair: Pair, threads: int) -> list[float]:
    """The shares of its launches' time that the sides waited for a CPU, where that was told."""
    told = (pair.baseline_contention, pair.candidate_contention)
    return [share for one in told if one is not None and (share := one.waited(threads)) is not None]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The gates so far; a last line that a kill cut short is left out."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            print(f"left out a damaged line of {path}", file=sys.stderr)
    return found


def real(options: argparse.Namespace) -> None:
    """Run gates until every case has its number, or the time is up."""
    if options.cpu is not None:
        os.sched_setaffinity(0, {int(cpu) for cpu in options.cpu.split(",")})
    wanted = {name: int(count) for name, _, count in (text.partition("=") for text in options.case)}
    unknown = set(wanted) - set(CASES)
    if unknown:
        raise SystemExit(f"unknown case {', '.join(sorted(unknown))}; known: {', '.join(CASES)}")
    done = [line["case"] for line in read_lines(options.out)]
    deadline = time.monotonic() + options.seconds
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gate-proof-") as scratch:
        while time.monotonic() < deadline:
            open_ = [name for name, count in wanted.items() if done.count(name) < count]
            if not open_:
                print("every case has its gates")
                return
            # The cases take turns, so that none meets another machine than the others.
            name = min(open_, key=lambda case: done.count(case) / wanted[case])
            result = run_case(
                name, artifact_for(options.artifacts, name), Path(scratch), random.getrandbits(31), options.nice
            )
            with options.out.open("a") as stream:
                stream.write(json.dumps(line_of(name, result)) + "\n")
            done.append(name)
            print(f"{done.count(name)}/{wanted[name]} {name}: {result.status}, {result.reason}", flush=True)


def artifact_for(root: Path, name: str) -> Path:
    """The artifact of a case: the first of its profile, one with group convolutions for the split ones."""
    case = CASES[name]
    found = sorted(path.parent for path in root.glob(f"*/{case.profile}/manifest.json"))
    grouped = [path for path in found if ("shufflenet" in path.parent.name) == (case.profile == "onnx-fp32")]
    if not grouped:
        raise SystemExit(
            f"no artifact of {case.profile} for the case {name} under {root}: see docs/results/gate-proof.md"
        )
    return grouped[0]


def simulate(options: argparse.Namespace) -> None:
    """Every noise, every effect."""
    found = {
        "gates": gate_simulation.simulate(options.gates),
        "families": gate_simulation.simulate_family(options.gates // 4),
    }
    write_atomic(options.out, json.dumps(found, indent=1) + "\n")
    print(f"wrote {options.out}")


def write(options: argparse.Namespace) -> None:
    """The page of both."""
    from benchmarks import gate_proof_page

    simulation = json.loads((options.data / "simulation.json").read_text())
    lines = read_lines(options.data / "real.jsonl")
    write_atomic(
        options.out, gate_proof_page.page(simulation, lines, {name: case.says for name, case in CASES.items()})
    )
    write_atomic(options.data / "real.json", json.dumps(gate_proof_page.summary(lines), indent=1) + "\n")
    print(f"wrote {options.out}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        made = commands.add_parser(name)
        made.set_defaults(run=run)
        return made

    simulated = command("simulate", simulate)
    simulated.add_argument("--gates", type=int, default=20000)
    simulated.add_argument("--out", type=Path, default=RESULTS / "gate" / "simulation.json")
    measured = command("real", real)
    measured.add_argument("artifacts", type=Path)
    measured.add_argument("--out", type=Path, default=RESULTS / "gate" / "real.jsonl")
    measured.add_argument("--case", action="append", required=True, help="NAME=GATES")
    measured.add_argument("--cpu", help="pin to these CPUs: 1 or 0,1")
    measured.add_argument("--nice", type=int, default=0)
    measured.add_argument("--seconds", type=float, default=1e9)
    written = command("write", write)
    written.add_argument("--data", type=Path, default=RESULTS / "gate", help="folder of simulation.json and real.jsonl")
    written.add_argument("--out", type=Path, default=PAGES / "gate-proof.md", help="the page (%(default)s)")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
