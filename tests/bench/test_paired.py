from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.bench.launch import ThisMachine
from edgekit.bench.paired import Contender, log_ratios, ratio_of, rounds
from edgekit.bench.session import Limits, Session
from edgekit.errors import ToolError
from edgekit.types import Device, Measurement, Stored

LOCAL = Device(id="local", transport="local")
SHORT = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=10, min_s=0.0, max_s=0.2)


def contender(name: str, folder: Path) -> Contender:
    return Contender(name, read_manifest(folder))


class Watching(ThisMachine):
    """This machine, remembering which models were launched in which order."""

    def __init__(self) -> None:
        self.models: list[str] = []

    def command(self, program: str, argument: str) -> list[str]:
        self.models.append(Path(json.loads(Path(argument).read_text())["model"]).parent.name)
        return super().command(program, argument)


def test_every_round_launches_each_once_in_changing_order(tiny: Path, heard: Any) -> None:
    names = ("onnx-fp32", "tflite-fp32", "openvino-fp32")
    machine = Watching()
    session = Session(machine, LOCAL, limits=SHORT)
    entered = [contender(name, tiny / name) for name in names]
    taken = list(itertools.islice(rounds(session, entered, seed=1, progress=heard), 3))
    assert [set(one) for one in taken] == [set(names)] * 3
    orders = [tuple(machine.models[start : start + 3]) for start in (0, 3, 6)]
    assert all(set(order) == set(names) for order in orders)
    assert len(set(orders)) > 1
    for one in taken:
        for name, measurement in one.items():
            assert measurement.profile == name
            assert measurement.peak_rss_bytes is None
            assert len(measurement.samples_ns) >= 10
    assert any(step.startswith("round 3: onnx-fp32: latency") for step in heard.lines)


def test_the_same_artifact_twice_is_a_ratio_about_one(tiny: Path) -> None:
    session = Session(ThisMachine(), LOCAL, limits=SHORT)
    pair = [contender(name, tiny / "onnx-fp32") for name in ("a", "b")]
    taken = list(itertools.islice(rounds(session, pair), 5))
    found = ratio_of(taken, "a", "b")
    assert found.pairs == 5
    assert found.low < found.ratio < found.high
    assert 0.3 < found.ratio < 3


def made(taken: Measurement, ms: float) -> Measurement:
    return taken.model_copy(update={"samples_ns": (int(ms * 1e6),) * 3})


def test_a_ratio_is_the_base_over_the_other(tiny: Path) -> None:
    one = contender("a", tiny / "onnx-fp32")
    real = Session(ThisMachine(), LOCAL, limits=SHORT).latency(one.stored)
    taken = [{"a": made(real, 2.0 * drift), "b": made(real, 1.0 * drift)} for drift in (1, 3, 1, 5, 2)]
    taken.append({"a": made(real, 1.0)})  # a round that lost its partner says nothing
    assert log_ratios(taken, "a", "b") == pytest.approx([math.log(2)] * 5)
    found = ratio_of(taken, "a", "b")
    assert (found.ratio, found.pairs) == (pytest.approx(2.0), 5)
    assert found.faster
    assert not found.slower
    assert ratio_of(taken, "b", "a").slower
    with pytest.raises(ValueError, match="4 pairs"):
        ratio_of(taken[:4], "a", "b")


def test_a_launch_that_fails_ends_the_rounds(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"broken")
    good = contender("good", tiny / "tflite-fp32")
    bad = Contender("bad", Stored(tmp_path, good.stored.artifact))
    with pytest.raises(ToolError, match="latency of tiny tflite-fp32 on litert failed"):
        next(rounds(Session(ThisMachine(), LOCAL, limits=SHORT), [good, bad]))
