"""Real processes that run real artifacts by turns."""

from __future__ import annotations

import math
import os
import random
from pathlib import Path
from typing import Any

import pytest

from edgekit.bench.launch import ThisMachine
from edgekit.bench.turns import TakerError, by_turns, log_ratio, taker

MODEL = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "onnx-fp32" / "model.onnx"
TURN = {"min_iterations": 2, "min_s": 0.0}


def request(model: Path = MODEL) -> dict[str, Any]:
    return {
        "runtime": "onnxruntime",
        "model": str(model),
        "threads": 1,
        "warmup_min_iterations": 1,
        "warmup_min_s": 0,
        "max_s": 1,
    }


def test_all_run_by_turns(tmp_path: Path) -> None:
    """Each turn holds its inferences; one that cannot load says why and stops nobody."""
    broken = tmp_path / "broken.onnx"
    broken.write_text("no model")
    requests = {"one": request(), "broken": request(broken), "other": request()}
    told, errors = by_turns(requests, random.Random(0), 3, TURN, 60)
    assert sorted(told) == ["one", "other"]
    for one in told.values():
        assert len(one.turns_ns) == 3
        assert all(len(turn) >= 2 and min(turn) > 0 for turn in one.turns_ns)
        assert one.answer is not None
        assert list(one.answer.samples_ns) == [ns for turn in one.turns_ns for ns in turn]
        assert one.answer.load_ns > 0
        assert len(one.answer.warmup_ns) >= 1
    assert "cannot load" in errors["broken"]


def test_one_that_dies_between_turns_is_told() -> None:
    with taker(request(), 60, ThisMachine()) as one:
        one.ready()
        assert len(one.turn(TURN)) >= 2
        one.child.kill()
        with pytest.raises(TakerError, match="SIGKILL"):
            one.turn(TURN)
    with pytest.raises(ProcessLookupError):
        os.kill(one.child.pid, 0)


def test_one_that_is_gone_before_its_turn_is_told() -> None:
    """The line for it stays in our buffer; leaving the block must not fail on that."""
    with taker(request(), 60, ThisMachine()) as one:
        one.ready()
        one.child.kill()
        one.child.wait()
        with pytest.raises(TakerError, match="SIGKILL"):
            one.turn(TURN)
    with taker(request(), 60, ThisMachine()) as one:
        one.ready()
        one.child.kill()
        one.child.wait()
        with pytest.raises(TakerError, match="SIGKILL"):
            one.finish(request())


def test_one_that_takes_too_long_is_ended() -> None:
    with (
        taker(request(), 0.05, ThisMachine()) as one,
        pytest.raises(TakerError, match=r"ran out of time after 0\.05 s"),
    ):
        one.ready()


def test_a_round_compares_turn_by_turn() -> None:
    """The machine is three times as slow for a while, another while for each side's median; the turns still agree."""
    pace = [1, 1, 3, 3, 3, 1]
    assert log_ratio([[2_000 * p] for p in pace], [[1_000 * p] for p in pace]) == pytest.approx(math.log(2))
