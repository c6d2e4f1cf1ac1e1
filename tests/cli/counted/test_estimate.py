from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Program = Callable[..., CompletedProcess[str]]


def test_a_network_that_nobody_has_exported_is_estimated(counting: None, edgekit: Program, project: Path) -> None:
    """For two boards; the export is for the class of each, and nothing is left in the project."""
    before = sorted(project.rglob("*"))
    command = ("estimate", "shufflenet_v2_0.5", "--format", "tflite", "--int8", "--json")
    found = {}
    for device in ("rpi4", "rpi5"):
        done = edgekit(*command, "--device", device)
        assert done.returncode == 0, done.stderr
        found[device] = json.loads(done.stdout)
        (one,) = found[device]["estimated"]
        assert one["model"] == "shufflenet_v2_0.5"
        assert one["kind"] == "counted"
        assert one["estimated_ms"] == one["estimate"]["cycles"] / found[device]["clock_mhz"] / 1e3
        assert one["estimate"]["error"]
    assert found["rpi4"]["simulated"] == "sim-rpi4"
    assert found["rpi5"]["estimated"][0]["counts"]["dot"] > 0
    assert found["rpi4"]["estimated"][0]["counts"]["dot"] == 0
    assert sorted(project.rglob("*")) == before


def test_wrong_words_end_with_2_before_anything_is_built(edgekit: Program, project: Path) -> None:
    for words, said in (
        ((), "no model given"),
        (("nosuch",), "unknown model 'nosuch'"),
        (("mobilenet_v2", "--device", "local"), "what kind of board local is"),
        (("mobilenet_v2", "--device", "jetson_nano"), "no model of that core"),
        (("mobilenet_v2", "--format", "onx"), "unknown format"),
    ):
        done = edgekit("estimate", *words)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
