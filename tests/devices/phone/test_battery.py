"""A phone's battery, watched below a ``/sys`` whose files change meanwhile."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from edgekit.devices.phone.battery import battery_energy, look_of
from edgekit.devices.phone.phone import STAND_IN, Phone
from edgekit.devices.virtual.phone_files import BATTERY


def test_a_mouse_is_no_battery_and_files_win_over_dumpsys() -> None:
    folder = "/sys/class/power_supply/"
    mouse = f"{folder}mouse/type:Battery\n{folder}mouse/scope:Device\n{folder}mouse/status:Discharging\n"
    ours = f"{folder}bms/type:BMS\n{folder}battery/type:Battery\n{folder}battery/current_now:-5\n"
    assert look_of(mouse, 1) == {}
    assert look_of(mouse + ours, 1)["battery"]["current"] == -5
    closed = f"{folder}battery/type:Battery\n{folder}battery/status:Charging\n"
    assert look_of(closed + BATTERY, 1)["battery"]["charge"] == 2_918_000


def phone(gauge: Any, tmp_path: Path) -> Phone:
    """A phone's shell with the gauge below its /sys, and a runner that runs LiteRT here."""
    runner = tmp_path / "run" / "benchmark_model"
    runner.parent.mkdir()
    shutil.copy(STAND_IN, runner)
    runner.write_text(f"#!{sys.executable}\n" + runner.read_text().partition("\n")[2])
    return Phone([*gauge.below, "sh", "-c", 'exec sh -c "$1"', "sh"], str(runner))


@pytest.mark.slow
def test_a_phone_is_watched_while_its_runner_works(gauge: Any, tiny: Path, tmp_path: Path) -> None:
    # Half of the window goes by between the inferences of so small a model: it has to be long for five readings.
    model = str(tiny / "tflite-fp32" / "model.tflite")
    request = {"model": model, "threads": 1, "warmup_min_s": 0.1, "gauge_window_s": 10.0, "gauge_rest_s": 1.0}
    there = phone(gauge, tmp_path)
    with gauge.moving(0.3):
        domains, note = battery_energy(there, request)
    assert note == ""
    (domain,) = domains
    assert domain["spent_uj"] / 1e6 / domain["window_s"] == pytest.approx(2.0, rel=0.03)
    assert domain["idle_w"] is None, "two or three looks in a second are too few"
    assert domain["inferences"] > 10
    gauge.write(battery__status="Full")
    assert battery_energy(there, request) == (
        [], "battery battery: its status is 'Full' and not 'Discharging': what comes from outside is not seen",
    )  # fmt: skip
