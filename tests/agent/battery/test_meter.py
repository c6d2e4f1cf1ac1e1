"""Real runs below a ``/sys`` whose files change meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.agent.battery.discharge import GAUGE_UPDATES

Bench = Callable[..., dict[str, Any]]


@pytest.fixture
def bench(gauge: Any, tiny: Path, agent_program: Path, tmp_path: Path) -> Bench:
    """The agent's answer, its windows short."""

    def call(**more: Any) -> dict[str, Any]:
        request = {"command": "bench", "runtime": "litert", "model": str(tiny / "tflite-fp32" / "model.tflite"),
                   "energy": True, "warmup_min_s": 0.01, "min_s": 0.02, "max_s": 0.5, "gauge_window_s": 4.0,
                   "gauge_rest_s": 4.0, **more}  # fmt: skip
        (tmp_path / "request.json").write_text(json.dumps(request))
        command = [*gauge.below, sys.executable, str(agent_program), str(tmp_path / "request.json")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        answer = json.loads(done.stdout.splitlines()[-1])
        assert answer["ok"], done.stderr
        value: dict[str, Any] = answer["value"]
        return value

    return call


def test_a_gauge_that_moves_gives_the_energy_of_one_inference(gauge: Any, bench: Bench) -> None:
    with gauge.moving(0.11):
        found = bench()
    assert found["energy_note"] == ""
    (domain,) = found["energy"]
    assert domain["domain"] == "battery"
    assert domain["spent_uj"] / 1e6 / domain["window_s"] == pytest.approx(2.0, rel=0.03)
    assert domain["idle_w"] == pytest.approx(2.0, rel=0.03)
    assert domain["updates"] >= GAUGE_UPDATES
    assert domain["inferences"] > len(found["warmup_ns"])
    assert domain["window_s"] <= 4.5


@pytest.mark.slow
def test_a_slow_gauge_and_a_plugged_one_give_no_figure_and_the_reason(gauge: Any, bench: Bench) -> None:
    with gauge.moving(0.6):
        found = bench(gauge_window_s=1.5, gauge_rest_s=0.2)
    assert found["energy"] is None
    assert "new readings of the current in 1." in found["energy_note"]
    # Plugged in before the start, and while the inferences run.
    gauge.write(usb__online=1)
    begin = time.monotonic()
    found = bench(gauge_window_s=60.0, gauge_rest_s=60.0)
    assert time.monotonic() - begin < 30, "nobody waits for a gauge that cannot tell"
    assert (found["energy"], found["energy_note"]) == (
        None, "battery battery: the device is powered from outside (usb): unplug it, and reach it by network",
    )  # fmt: skip
    gauge.write(usb__online=0)
    with gauge.moving(0.11, usb__online=lambda turn: int(turn > 3)):
        found = bench()
    assert found["energy"] is None
    assert "powered from outside (usb)" in found["energy_note"]
