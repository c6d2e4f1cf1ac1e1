"""Pairs on this machine, with the real agent and runtimes."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Limits, Session
from edgekit.devices.local import LOCAL
from edgekit.errors import ToolError
from edgekit.gate.engine import operator_changes
from edgekit.gate.guards import Guards
from edgekit.gate.pairs import Pairing, operators_digest
from edgekit.types.answers import InspectAnswer, Node

SHORT = Limits(warmup_min_iterations=2, warmup_min_s=0.01, min_iterations=20, min_s=0.02, max_s=0.5)


def pairing(folder: Path, transport: ThisMachine | None = None, **handicap: int | bool) -> Pairing:
    stored = read_manifest(folder)
    session = Session(transport or ThisMachine(), LOCAL, limits=SHORT)
    return Pairing(session, {"baseline": stored, "candidate": stored}, handicap)


@pytest.mark.parametrize("profile", ["onnx-fp32", "openvino-fp32", "tflite-int8"])
def test_conditions_are_the_same_twice_and_a_pair_has_both_sides(tiny: Path, profile: str) -> None:
    made = pairing(tiny / profile)
    guard, info, look = made.look()
    key = made.conditions(look)
    assert key.differences(made.conditions(look)) == ()
    assert key.runtime_version
    assert key.settings
    assert key.affinity
    assert key.cpu == info.cpu
    assert key.baseline_sha256 == made.sides["baseline"].artifact.sha256
    pair, differences = made.pair(3, True, guard, guard.sentinel_ns, key)
    assert (pair.number, pair.candidate_first, differences) == (3, True, ())
    assert len(pair.baseline_ns) >= 20
    assert len(pair.candidate_ns) >= 20
    assert pair.before == guard
    assert pair.after.state.unix_time > guard.state.unix_time


def test_a_busy_loop_is_in_every_inference_of_the_candidate_alone(tiny: Path) -> None:
    made = pairing(tiny / "tflite-fp32", busy_ns=2_000_000)
    guard, _, look = made.look()
    pair, differences = made.pair(1, False, guard, guard.sentinel_ns, made.conditions(look))
    assert differences == ()
    assert min(pair.candidate_ns) >= 2_000_000
    assert statistics.median(pair.baseline_ns) < 1_000_000


def test_without_xnnpack_the_same_file_runs_otherwise(tiny: Path) -> None:
    made = pairing(tiny / "tflite-fp32")
    _, _, look = made.look()
    key = made.conditions(look)
    assert made.side("baseline", key).problem == ""
    slow = pairing(tiny / "tflite-fp32", no_delegate=True)
    assert len(slow.side("candidate", key).samples_ns) >= 20


def test_other_threads_are_another_condition(tiny: Path) -> None:
    made = pairing(tiny / "onnx-fp32")
    _, _, look = made.look()
    key = made.conditions(look).model_copy(update={"settings": {"intra_op_num_threads": 2}})
    (difference,) = made.side("baseline", key).differences
    assert difference.key == "settings"
    assert '"intra_op_num_threads": 1' in difference.now


def test_the_digest_knows_what_left_the_delegate() -> None:
    def facts(**told: object) -> InspectAnswer:
        node = Node.from_plain({"type": "CONV_2D", "name": "", "inputs": [], "outputs": [], **told})
        plain = {"nodes": [], "executed": [], "tensors": [], "delegate": None, "inputs": [], "outputs": []}
        answer = InspectAnswer.from_plain({**plain, "runtime_version": "1", "settings": {}})
        return answer.model_copy(update={"executed": (node,)})

    assert operators_digest(facts(delegated=True)) == operators_digest(facts(delegated=True))
    assert operators_digest(facts(delegated=True)) != operators_digest(facts(delegated=False))
    # As pins have it that were made before answers had types: what was not told is null.
    silent = json.dumps([[["CONV_2D", None, None, None]], None]).encode()
    assert operators_digest(facts()) == hashlib.sha256(silent).hexdigest()


def test_operators_by_type(tiny: Path) -> None:
    changes = operator_changes(pairing(tiny / "onnx-fp32"))
    assert changes
    assert all(change.baseline_count == change.candidate_count > 0 for change in changes)
    rises = [change.candidate_ns - change.baseline_ns for change in changes]
    assert rises == sorted(rises, reverse=True)


NEIGHBOUR = "while True: sum(range(1000))"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux tells who waited, and pins")
def test_a_real_neighbour_on_the_core_disturbs_the_pair(tiny: Path) -> None:
    stored, core = read_manifest(tiny / "tflite-fp32"), min(os.sched_getaffinity(0))
    limits = replace(SHORT, min_s=0.3, target_half_width=0.0)  # not too short for the kernel's ticks
    session = Session(ThisMachine(), LOCAL, cores=str(core), limits=limits)
    made = Pairing(session, {"baseline": stored, "candidate": stored}, guards=Guards(sentinel=1e9, load=1e9))
    guard, _, look = made.look()
    key = made.conditions(look)
    busy = [subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) for _ in range(2)]
    try:
        for one in busy:
            os.sched_setaffinity(one.pid, {core})
        pair, _ = made.pair(1, True, guard, guard.sentinel_ns, key)
    finally:
        for one in busy:
            one.kill()
            one.wait()
    assert pair.disturbed
    assert "a neighbour on the core: the candidate waited for a CPU" in pair.dropped
    assert pair.baseline_contention is not None
    others = pair.baseline_contention.others
    assert others is None or others > 0.3  # None: too short for the kernel's ticks after all


def test_a_side_that_crashes_is_named(tiny: Path, stand_in: Callable[..., ThisMachine]) -> None:
    made = pairing(tiny / "onnx-fp32", stand_in(bench=[{"die": 0}]))
    _, _, look = made.look()
    with pytest.raises(ToolError, match="latency of tiny onnx-fp32 on onnxruntime ended with exit code 7"):
        made.side("candidate", made.conditions(look))
