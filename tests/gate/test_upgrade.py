"""One artifact under two versions of its runtime; here both environments are this one."""

import sys
from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Limits, Session
from edgekit.devices.local import LOCAL
from edgekit.gate.upgrade import RuntimePairing, compare_outputs, operators_changed
from edgekit.types.answers import Node

SHORT = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=20, min_s=0.01, max_s=0.2)


@pytest.fixture
def pairing(tiny: Path) -> RuntimePairing:
    stored = read_manifest(tiny / "onnx-fp32")
    old, new = (Session(ThisMachine(sys.executable), LOCAL, limits=SHORT) for _ in range(2))
    return RuntimePairing(old, {"baseline": stored, "candidate": stored}, other=new)


def test_the_same_version_gives_the_same_outputs(pairing):
    found = compare_outputs(pairing)
    assert found.failures == []
    assert found.words == "the outputs are identical"


def test_each_side_is_held_against_its_own_version(pairing):
    _, _, look = pairing.look()
    key = pairing.conditions(look)
    assert set(pairing.facts) == {"baseline", "candidate"}
    assert operators_changed(pairing) == []
    assert pairing.side("candidate", key).differences == ()
    pairing.facts["candidate"] = pairing.facts["candidate"].model_copy(update={"runtime_version": "0.1"})
    (difference,) = pairing.side("candidate", key).differences
    assert (difference.key, difference.pinned) == ("runtime_version", '"0.1"')
    assert pairing.side("baseline", key).differences == ()


def test_operators_that_one_version_executes_otherwise_are_named(pairing):
    _, _, look = pairing.look()
    pairing.conditions(look)
    conv = Node(type="Conv", name="c", inputs=(), outputs=())
    executed = {
        "baseline": (conv, conv, Node(type="Relu", name="r", inputs=(), outputs=())),
        "candidate": (conv, conv.model_copy(update={"kernel": "sgemm", "delegated": True})),
    }
    pairing.facts = {
        role: pairing.facts[role].model_copy(update={"executed": nodes}) for role, nodes in executed.items()
    }
    assert operators_changed(pairing) == ["Conv: 2 -> 1", "Conv (sgemm, in the delegate): 0 -> 1", "Relu: 1 -> 0"]
