from __future__ import annotations

import json
import math
import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import rounds
from benchmarks.rounds import Block, Plan, append, half_width, measure, resume, schedule
from edgekit.bench.turns import by_turns

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
MODEL = (TINY / "onnx-fp32" / "model.onnx", "abc")


def entry(first: float, second: float, model: str = "net") -> dict[str, Any]:
    launches = {
        name: {"sha256": "abc", "turns_ns": [[round(ms * 1e6)]]}
        for name, ms in (("plain-fp32", first), ("edgekit-fp32", second))
    }
    return {"model": model, "format": "onnx", "launches": launches, "errors": {}}


def block(model: str = "net", *done: dict[str, Any]) -> Block:
    return Block(model, "onnx", {"plain-fp32": MODEL, "edgekit-fp32": MODEL}, list(done))


def test_the_half_width_is_that_of_the_interval() -> None:
    assert math.isinf(half_width([entry(2, 1)] * 4, ("plain-fp32", "edgekit-fp32")))
    assert half_width([entry(2, 1)] * 5, ("plain-fp32", "edgekit-fp32")) == pytest.approx(0)
    assert half_width([entry(2 + 0.1 * i, 1) for i in range(9)], ("plain-fp32", "edgekit-fp32")) > 0.02


def test_everyone_gets_the_least_number_before_anyone_gets_more() -> None:
    blocks = [block(name) for name in ("a", "b", "c")]
    turns = schedule(blocks, Plan(min_rounds=5, max_rounds=7), random.Random(0))
    seen = []
    for one in turns:
        # b is never certain; the others are from the start.
        one.rounds.append(entry(2 + len(one.rounds) * (one.model == "b"), 1, one.model))
        seen.append(one.model)
    assert [sorted(seen[i : i + 3]) for i in range(0, 15, 3)] == [["a", "b", "c"]] * 5
    assert seen[15:] == ["b", "b"]


def test_real_launches_are_kept_as_they_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "LAUNCH", {**rounds.LAUNCH, "warmup_min_s": 0.0, "max_s": 0.1})
    monkeypatch.setattr(rounds, "by_turns", partial(by_turns, turns=3))
    file = tmp_path / "rounds.jsonl"
    broken = tmp_path / "broken.onnx"
    broken.write_text("no model")
    one = Block("net", "onnx", {"plain-fp32": MODEL, "edgekit-fp32": (broken, "def")})
    said: list[str] = []
    measure([one], Plan(min_rounds=1, max_rounds=3), lambda made: append(file, made, "here"), said.append)
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    # The one that does not run is out after two attempts; with nothing left to compare there is nothing to go on for.
    assert len(kept) == len(one.rounds) == 2
    assert one.able() == ["plain-fp32"]
    assert [len(turn) >= 2 for turn in kept[0]["launches"]["plain-fp32"]["turns_ns"]] == [True] * 3
    assert "cannot load" in kept[0]["errors"]["edgekit-fp32"]
    assert sorted(kept[0]["order"]) == ["edgekit-fp32", "plain-fp32"]
    assert kept[0]["launches"]["plain-fp32"]["sha256"] == "abc"


def test_the_time_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "one_round", lambda *_: entry(2, 1))
    said: list[str] = []
    one = block()
    measure([one], Plan(budget_s=-1), lambda _: None, said.append)
    assert one.rounds == []
    assert said[0].startswith("the time is over; 1 of 1")


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "rounds.jsonl"
    append(file, entry(2, 1), "here")
    append(file, entry(3, 1), "elsewhere")
    append(file, entry(4, 1, "gone"), "here")
    other = entry(5, 1)
    other["launches"]["plain-fp32"]["sha256"] = "an older artifact"
    append(file, other, "here")
    with file.open("a") as stream:
        stream.write('{"environment":"here","model":"net","format":"on')
    one = block()
    assert resume(file, [one], "here") == 1
    assert one.rounds == [entry(2, 1)]
    append(file, entry(6, 1), "here")
    again = block()
    assert resume(file, [again], "here") == 2
    assert again.rounds == [entry(2, 1), entry(6, 1)]


def test_nothing_to_resume_is_a_beginning(tmp_path: Path) -> None:
    assert resume(tmp_path / "rounds.jsonl", [block()], "here") == 0
