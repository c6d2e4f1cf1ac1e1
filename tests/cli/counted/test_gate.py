from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from edgekit.artifacts.store import read_manifest
from edgekit.reports.counted.store import save_count
from edgekit.types import Counted

Program = Callable[..., CompletedProcess[str]]


def test_options_of_a_measured_gate_are_refused(edgekit: Program, tiny: Path) -> None:
    done = edgekit("gate", str(tiny / "tflite-int8"), "--device", "sim-rpi4", "--delta", "0.1", "--cores", "1")
    assert done.returncode == 2
    assert "--cores, --delta: a simulated board counts instructions" in done.stderr
    done = edgekit("gate", "--device", "sim-rpi4", "--device", "local")
    assert done.returncode == 2
    assert "sim-rpi4 counts and the others measure" in done.stderr


def test_the_plan_says_whether_the_baseline_was_counted_before(
    edgekit: Program, tiny: Path, project: Path, make_counted: Callable[..., Counted]
) -> None:
    artifact = read_manifest(tiny / "tflite-int8").artifact
    save_count(project / "device_reports", make_counted(model=artifact.model, profile=artifact.profile))
    done = edgekit("gate", str(tiny / "tflite-int8"), "--device", "sim-rpi4", "--dry-run", "--json")
    (plan,) = json.loads(done.stdout)["plan"]
    assert plan["baseline_is_counted"]
    assert plan["tolerance"] == 0.005
    done = edgekit("gate", str(tiny / "tflite-int8"), "--device", "sim-rpi4", "--dry-run", "--baseline", str(tiny))
    assert done.returncode == 0
    assert "counted before" not in done.stderr
