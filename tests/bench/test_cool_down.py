from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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


Waited = Callable[..., list[str]]


@pytest.fixture
def waited(tmp_path: Path, heard: Any) -> Waited:
    """What is told between the first and the second measurement."""

    def run(readings: Sequence[dict[str, float] | None], longest_s: float = 30.0) -> list[str]:
        cooler = CoolDown(Thermometer(tmp_path, readings), longest_s, pause_s=0.01)
        cooler.wait(heard)
        assert not heard.events
        cooler.wait(heard)
        return list(heard.lines)

    return run


def test_it_waits_until_the_hottest_sensor_is_near_the_start(waited: Waited) -> None:
    readings = [{"cpu": 50.0, "gpu": 40.0}, {"cpu": 61.4, "gpu": 40.0}, {"cpu": 52.0, "gpu": 55.0}, {"cpu": 53.0}]
    assert waited(readings) == [
        "cooling down: 61 °C, waiting for 53 °C",
        "cooling down: 55 °C, waiting for 53 °C",
    ]


def test_it_does_not_wait_for_ever(waited: Waited) -> None:
    said = waited([{"cpu": 50.0}, {"cpu": 70.0}], longest_s=0.0)
    assert said[-1] == "going on at 70 °C: not cooler after 0 s"


@pytest.mark.parametrize("nothing", [None, {}])
def test_nobody_waits_for_a_sensor_that_is_not_there(waited: Waited, nothing: dict[str, float] | None) -> None:
    assert waited([nothing, {"cpu": 99.0}]) == []
