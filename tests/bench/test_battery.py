"""Energy from a battery's gauge: its rules, and real runs below a ``/sys`` whose files change meanwhile."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgekit.bench import agent
from edgekit.bench.launch import AGENT
from edgekit.bench.phone_agent import Phone
from edgekit.bench.phone_battery import battery_energy, look_of
from edgekit.devices.virtual_files import write_files
from edgekit.devices.virtual_phone_files import BATTERY

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32" / "model.tflite"
STAND_IN = AGENT.with_name("benchmark_stand_in.py")
SECOND = 10**9


def looks(name: str, values: Sequence[int | None], **more: Any) -> list[dict[str, Any]]:
    """One look a second at a battery of 4 V that shows ``values`` as ``name``."""
    empty = {"plugged": "", "status": "Discharging", "voltage": 4_000_000, **dict.fromkeys(agent.QUANTITIES)}
    return [{**empty, **more, name: value, "t_ns": number * SECOND} for number, value in enumerate(values)]


def watts(taken: list[dict[str, Any]]) -> float | None:
    found, _ = agent.discharge(taken)
    return None if found is None else found[0]


# The rules


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("unit", "voltage"), [(1000, 4_000_000), (1000, 4_000), (1, 4_000_000), (1, 4_000)])
def test_microamperes_and_milliamperes_of_either_sign_mean_the_same(sign: int, unit: int, voltage: int) -> None:
    currents = [sign * unit * ma for ma in (400, 500, 510, 490, 500, 500, 520, 480)]
    assert watts(looks("current", currents, voltage=voltage)) == pytest.approx(2.0, rel=0.02)


def test_the_reading_of_before_the_window_does_not_count() -> None:
    # It stood still for two seconds, which tell of what was before; the rest is weighed by how long it was shown.
    currents = [9_000_000, 9_000_000, 100_000, 100_000, 100_000, 300_000, 310_000, 300_000, 310_000]
    shown = currents[2:-1]
    assert watts(looks("current", currents)) == pytest.approx(4 * sum(shown) / len(shown) / 1e6)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("power", [5_000_000, 6_000_000, 5_000_000, 6_000_000, 5_000_000, 6_000_000], 5.4),
        # uWh: 3.6 W; the first fall and the last are a second each.
        ("energy", [50_000_000 - 1000 * n for n in range(8)], 3.6),
        # uAh at 4 V, and the same from a driver that counts mAh.
        ("charge", [3_000_000 - 250 * n for n in range(8)], 3.6),
        ("charge", [3_000 - n for n in range(8)], None),
    ],
)
def test_power_and_counters(name: str, values: list[int], expected: float | None) -> None:
    found = watts(looks(name, values))
    if expected is None:
        assert found == pytest.approx(4 * 3.6)
    else:
        assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        (looks("current", [500_000, 510_000] * 5, status="Charging"), "its status is 'Charging' and not 'Discharging'"),
        (looks("current", [500_000, 510_000] * 5, plugged="usb"), r"powered from outside \(usb\): unplug it"),
        (looks("current", [500_000] * 3 + [510_000] * 7), r"showed 1 new readings of the current in 9\.0 s, and 5 are"),
        (looks("charge", [3_000_000] * 9), "showed 0 new readings of the charge"),
        (looks("current", [500_000, -510_000] * 5), "changes the sign"),
        (looks("charge", [3_000_000 - 250 * n for n in (0, 1, 2, 3, 2, 4, 5)]), "its counter of charge rises"),
        (looks("current", [10, 11] * 5), "would be 4.2e-05 W in millionths and 0.042 W in thousandths"),
        (looks("current", [500_000, 510_000] * 5, voltage=700), "no voltage between 2 and 60 V"),
        (looks("current", [500_000, 510_000] * 5, voltage=None), "no voltage"),
        (looks("current", [None] * 9), "it tells neither power, current, energy nor charge"),
    ],
)
def test_what_tells_nothing_says_why(taken: list[dict[str, Any]], why: str) -> None:
    found, reason = agent.discharge(taken)
    assert found is None
    assert re.search(why, reason), reason


def test_no_two_units_are_ever_plausible() -> None:
    for power in range(-9, 9):
        for digit in (1.0, 2.5, 9.99):
            number = digit * 10.0**power
            fits = [unit for unit in (1e-6, 1e-3) if agent.WATTS[0] <= number * unit < agent.WATTS[1]]
            assert len(fits) <= 1
            assert agent.in_watts(number) == (number * fits[0] if fits else None)


def test_dumpsys_in_words() -> None:
    (look,) = agent.look_at_dumpsys(BATTERY, 7).values()
    assert (look["charge"], look["voltage"], look["status"], look["t_ns"]) == (2_918_000, 4210, "Charging", 7)
    assert agent.not_discharging(look) == "the device is powered from outside (usb): unplug it, and reach it by network"
    alone = BATTERY.replace("USB powered: true", "USB powered: false").replace("status: 2", "status: 3")
    (look,) = agent.look_at_dumpsys(alone + "  current now: -345\n", 7).values()
    assert agent.not_discharging(look) == ""
    assert look["current"] == -345
    assert agent.look_at_dumpsys("Can't find service: battery\n", 7) == {}
    assert agent.look_at_dumpsys(BATTERY.replace("present: true", "present: false"), 7) == {}


def test_a_mouse_is_no_battery_and_files_win_over_dumpsys() -> None:
    folder = "/sys/class/power_supply/"
    mouse = f"{folder}mouse/type:Battery\n{folder}mouse/scope:Device\n{folder}mouse/status:Discharging\n"
    ours = f"{folder}bms/type:BMS\n{folder}battery/type:Battery\n{folder}battery/current_now:-5\n"
    assert look_of(mouse, 1) == {}
    assert look_of(mouse + ours, 1)["battery"]["current"] == -5
    closed = f"{folder}battery/type:Battery\n{folder}battery/status:Charging\n"
    assert look_of(closed + BATTERY, 1)["battery"]["charge"] == 2_918_000


# Real runs. The mount namespace shows our files as /sys


@pytest.fixture
def sys_folder(tmp_path: Path) -> Path:
    if subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], check=False).returncode:
        pytest.skip("needs user namespaces")
    files = {"usb/type": "USB", "usb/online": 0, "battery/type": "Battery", "battery/voltage_now": 4_000_000,
             "battery/status": "Discharging", "battery/current_now": -500_000}  # fmt: skip
    write_files(tmp_path / "sys", {f"class/power_supply/{name}": str(text) for name, text in files.items()})
    return tmp_path / "sys"


def below(folder: Path) -> list[str]:
    """Runs the command that follows where ``folder`` is /sys."""
    script = f'mount --rbind {shlex.quote(str(folder))} /sys && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]


@contextmanager
def gauge(folder: Path, every_s: float, show: Callable[[int], dict[str, object]]) -> Iterator[None]:
    """Write what ``show`` says of every turn, each ``every_s``, until the block ends."""
    over = threading.Event()

    def run() -> None:
        turn = 0
        while not over.wait(every_s):
            for name, text in show(turn).items():
                part = folder.parent / "part"
                part.write_text(f"{text}\n")
                part.rename(folder / "class/power_supply" / name)
            turn += 1

    writer = threading.Thread(target=run)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def bench(folder: Path, **more: Any) -> dict[str, Any]:
    """The agent's answer, its windows short."""
    request = {"command": "bench", "runtime": "litert", "model": str(TINY), "energy": True, "warmup_min_s": 0.01,
               "min_s": 0.02, "max_s": 0.5, "gauge_window_s": 4.0, "gauge_rest_s": 4.0, **more}  # fmt: skip
    file = folder.parent / "request.json"
    file.write_text(json.dumps(request))
    done = subprocess.run(
        [*below(folder), sys.executable, "-P", str(AGENT), str(file)], capture_output=True, text=True, check=False
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ok"], done.stderr
    value: dict[str, Any] = answer["value"]
    return value


def wobbling(turn: int) -> dict[str, object]:
    return {"battery/current_now": -(500_000 + 1000 * (turn % 7))}


def test_a_gauge_that_moves_gives_the_energy_of_one_inference(sys_folder: Path) -> None:
    with gauge(sys_folder, 0.11, wobbling):
        found = bench(sys_folder)
    assert found["energy_note"] == ""
    (domain,) = found["energy"]
    assert domain["domain"] == "battery"
    assert domain["spent_uj"] / 1e6 / domain["window_s"] == pytest.approx(2.0, rel=0.03)
    assert domain["idle_w"] == pytest.approx(2.0, rel=0.03)
    assert domain["updates"] >= agent.GAUGE_UPDATES
    assert domain["inferences"] > len(found["warmup_ns"])
    assert domain["window_s"] <= 4.5


@pytest.mark.slow
def test_a_slow_gauge_and_a_plugged_one_give_no_figure_and_the_reason(sys_folder: Path) -> None:
    with gauge(sys_folder, 0.6, wobbling):
        found = bench(sys_folder, gauge_window_s=1.5, gauge_rest_s=0.2)
    assert found["energy"] is None
    assert "new readings of the current in 1." in found["energy_note"]
    # Plugged in before the start, and while the inferences run.
    write_files(sys_folder, {"class/power_supply/usb/online": "1"})
    begin = time.monotonic()
    found = bench(sys_folder, gauge_window_s=60.0, gauge_rest_s=60.0)
    assert time.monotonic() - begin < 30, "nobody waits for a gauge that cannot tell"
    assert (found["energy"], found["energy_note"]) == (
        None, "battery battery: the device is powered from outside (usb): unplug it, and reach it by network",
    )  # fmt: skip
    write_files(sys_folder, {"class/power_supply/usb/online": "0"})
    with gauge(sys_folder, 0.11, lambda turn: wobbling(turn) | {"usb/online": int(turn > 3)}):
        found = bench(sys_folder)
    assert found["energy"] is None
    assert "powered from outside (usb)" in found["energy_note"]


def phone(folder: Path, tmp_path: Path) -> Phone:
    """A phone's shell with ``folder`` as /sys, and a runner that runs LiteRT here."""
    runner = tmp_path / "run" / "benchmark_model"
    runner.parent.mkdir()
    shutil.copy(STAND_IN, runner)
    runner.write_text(f"#!{sys.executable}\n" + runner.read_text().partition("\n")[2])
    return Phone([*below(folder), "sh", "-c", 'exec sh -c "$1"', "sh"], str(runner))


@pytest.mark.slow
def test_a_phone_is_watched_while_its_runner_works(sys_folder: Path, tmp_path: Path) -> None:
    # Half of the window goes by between the inferences of so small a model: it has to be long for five readings.
    request = {"model": str(TINY), "threads": 1, "warmup_min_s": 0.1, "gauge_window_s": 10.0, "gauge_rest_s": 1.0}
    there = phone(sys_folder, tmp_path)
    with gauge(sys_folder, 0.3, wobbling):
        domains, note = battery_energy(there, request)
    assert note == ""
    (domain,) = domains
    assert domain["spent_uj"] / 1e6 / domain["window_s"] == pytest.approx(2.0, rel=0.03)
    assert domain["idle_w"] is None, "two or three looks in a second are too few"
    assert domain["inferences"] > 10
    write_files(sys_folder, {"class/power_supply/battery/status": "Full"})
    assert battery_energy(there, request) == (
        [], "battery battery: its status is 'Full' and not 'Discharging': what comes from outside is not seen",
    )  # fmt: skip
