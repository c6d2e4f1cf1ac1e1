from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Program = Callable[..., CompletedProcess[str]]


def test_counts_are_printed_and_kept_apart(counting: None, edgekit: Program, tiny: Path, project: Path) -> None:
    done = edgekit("profile", str(tiny / "tflite-fp32"), "--device", "sim-rpi4", "--json")
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["counted"]
    assert one["counts"]["fma"] > 0
    assert one["estimated_ms"] > 0
    assert "p50_ms" not in done.stdout
    (kept,) = (project / "device_reports").rglob("*.json")
    assert kept == project / "device_reports" / "sim-rpi4" / "counted" / kept.name
    assert edgekit("pick").returncode == 2  # nothing was measured


def test_options_that_say_how_to_measure_are_refused(edgekit: Program, tiny: Path) -> None:
    done = edgekit("profile", str(tiny / "tflite-fp32"), "--device", "sim-rpi4", "--roofline", "--rounds", "3")
    assert done.returncode == 2
    assert "--rounds, --roofline: a simulated board counts instructions" in done.stderr
    done = edgekit("compare", str(tiny / "tflite-fp32"), str(tiny / "tflite-int8"), "--device", "sim-rpi4")
    assert done.returncode == 2
    assert "nothing can be timed" in done.stderr


def test_counting_here_is_for_this_machine_alone(edgekit: Program, tiny: Path) -> None:
    done = edgekit("profile", str(tiny / "tflite-fp32"), "--count", "--device", "sim-rpi4")
    assert done.returncode == 2
    assert "--count counts on this machine, and --device names sim-rpi4" in done.stderr
    done = edgekit("profile", str(tiny / "tflite-fp32"), "--count", "--sustained", "5s")
    assert done.returncode == 2
    assert "--sustained: a simulated board counts instructions" in done.stderr
