from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from edgekit.bench.cool_down import CoolDown
from edgekit.bench.launch import ThisMachine

PROGRAM = """
import json, pathlib, sys
path = pathlib.Path({readings!r})
readings = json.loads(path.read_text())
now = readings.pop(0) if len(readings) > 1 else readings[0]
path.write_text(json.dumps(readings))
print(json.dumps({{"ok": True, "value": {{"unix_time": 1.0, "temperature_c": now}}}}))
"""


class Thermometer(ThisMachine):
    """A device whose agent tells prepared temperatures, one a call; the last stays."""

    def __init__(self, folder: Path, readings: Sequence[dict[str, float] | None]) -> None:
        import json

        self.readings, self.program = folder / "readings.json", folder / "agent.py"
        self.readings.write_text(json.dumps(list(readings)))
        self.program.write_text(PROGRAM.format(readings=str(self.readings)))

    def command(self, program: str, argument: str) -> list[str]:
        return super().command(str(self.program), argument)


def waited(folder: Path, readings: Sequence[dict[str, float] | None], longest_s: float = 30.0) -> list[str]:
    """What is said between the first and the second measurement."""
    steps: list[str] = []
    cooler = CoolDown(Thermometer(folder, readings), longest_s, pause_s=0.01)
    cooler.wait(steps.append)
    assert not steps
    cooler.wait(steps.append)
    return steps


def test_it_waits_until_the_hottest_sensor_is_near_the_start(tmp_path: Path) -> None:
    readings = [{"cpu": 50.0, "gpu": 40.0}, {"cpu": 61.4, "gpu": 40.0}, {"cpu": 52.0, "gpu": 55.0}, {"cpu": 53.0}]
    assert waited(tmp_path, readings) == [
        "cooling down: 61 °C, waiting for 53 °C",
        "cooling down: 55 °C, waiting for 53 °C",
    ]


def test_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    said = waited(tmp_path, [{"cpu": 50.0}, {"cpu": 70.0}], longest_s=0.0)
    assert said[-1] == "going on at 70 °C: not cooler after 0 s"


@pytest.mark.parametrize("nothing", [None, {}])
def test_nobody_waits_for_a_sensor_that_is_not_there(tmp_path: Path, nothing: dict[str, float] | None) -> None:
    assert waited(tmp_path, [nothing, {"cpu": 99.0}]) == []
