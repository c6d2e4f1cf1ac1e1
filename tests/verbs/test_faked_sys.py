"""A device whose ``/sys`` is ours: a real sshd and the real agent, whose mount namespace shows other files there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.progress import Event, Progress, silent
from edgekit.bench.session import Limits
from edgekit.devices.virtual.boards import VIRTUAL
from edgekit.devices.virtual.files import sys_files, write_files
from edgekit.errors import UsageError
from edgekit.reports.compared.comparable import differences
from edgekit.reports.summary import energy
from edgekit.types import Measurement
from edgekit.verbs.devices import add_device
from edgekit.verbs.profile import profile

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32"
LIMITS = Limits(warmup_min_s=0.5, min_s=0.1, max_s=2.0, target_half_width=1.0)
"""Long enough for a file to be changed between the two looks at the device; how sure the latency is matters nowhere."""
FIRMWARE = "devices/platform/soc/soc:firmware/get_throttled"


@dataclass
class FakedDevice:
    """``--device faked``: a Raspberry Pi 4's files around this machine's CPU.

    Attributes:
        sys: what the agent sees as ``/sys``; may be changed at any time.
        bin: first on its PATH.
        site: first on its Python path.
    """

    sys: Path
    bin: Path
    site: Path
    reports: Path

    def write(self, **files: object) -> None:
        """Write files below ``/sys``; ``__`` in a name stands for a slash."""
        write_files(self.sys, {name.replace("__", "/"): str(text) for name, text in files.items()})

    def take(self, progress: Progress = silent, **more: Any) -> Measurement:
        """Measure the tiny network there."""
        limits = more.pop("limits", LIMITS)
        found = profile([str(TINY)], "faked", reports_root=self.reports, limits=limits, progress=progress, **more)
        found.raise_failures()
        return found.measurements[0]


@pytest.fixture
def faked(ssh_board: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakedDevice:
    device = FakedDevice(tmp_path / "sys", tmp_path / "bin", tmp_path / "site", tmp_path / "reports")
    for folder in (device.sys, device.bin, device.site):
        folder.mkdir()
    write_files(device.sys, sys_files(VIRTUAL["virtual-rpi4"]))
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    script = f'mount --rbind "{device.sys}" /sys && exec "$@"'
    if subprocess.run([*namespace, script, "sh", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces")
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\nexport PATH="{device.bin}:$PATH" PYTHONPATH="{device.site}"\n'
        f"exec {' '.join(namespace)} '{script}' sh '{sys.executable}' \"$@\"\n"
    )
    python.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    add_device("faked", "board", python=str(python))
    return device


def at(step: str, action: Callable[[], object]) -> Progress:
    """A listener that acts when ``step`` begins; ``load`` comes right after the first look at the device."""

    def act(event: Event) -> None:
        if str(event).endswith(step):
            action()

    return act


# Throttling


def test_firmware_that_throttles_meanwhile(faked: FakedDevice) -> None:
    found = faked.take(at("latency: load", lambda: faked.write(**{FIRMWARE: "50005"})))
    assert found.state_before.throttled == ()
    assert found.verdict.name == "throttled"
    assert found.verdict.reasons[0] == (
        "the device reports throttled, throttled since boot, under-voltage, under-voltage since boot: "
        "cool it, or give it a stronger supply"
    )


def test_vcgencmd_is_asked_where_the_firmware_has_no_file(faked: FakedDevice, tmp_path: Path) -> None:
    (faked.sys / FIRMWARE).unlink()
    flags, later = tmp_path / "flags", tmp_path / "later"
    flags.write_text("throttled=0x0\n")
    later.write_text("throttled=0x50000\n")
    program = faked.bin / "vcgencmd"
    program.write_text(f'#!/bin/sh\n[ "$1" = get_throttled ] && cat "{flags}"\n')
    program.chmod(0o755)
    found = faked.take(at("latency: load", partial(shutil.copy, later, flags)))
    assert found.state_before.throttled == ()
    assert found.verdict.name == "throttled"
    assert "reports throttled since boot, under-voltage since boot" in found.verdict.reasons[0]


def test_a_clock_that_falls_meanwhile(faked: FakedDevice) -> None:
    def fall() -> None:
        for core in range(4):
            faked.write(**{f"devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq": 1_000_000})

    found = faked.take(at("latency: load", fall))
    assert found.verdict.name == "throttled"
    assert "the clock of cpu0 fell from 1800 to 1000 MHz, over 10%" in found.verdict.reasons[0]


def test_a_device_that_was_throttled_long_ago_is_not_now(faked: FakedDevice) -> None:
    faked.write(**{FIRMWARE: "50000"})
    found = faked.take()
    assert found.verdict.name in ("stable", "noisy")
    assert found.state_after.throttled == ("under-voltage since boot", "throttled since boot")


# The clock


def test_a_clock_that_is_set_meanwhile(faked: FakedDevice, tmp_path: Path) -> None:
    (faked.site / "sitecustomize.py").write_text(
        "import os, time\nreal = time.time\n"
        f"time.time = lambda: real() + (3600 if os.path.exists({str(tmp_path / 'set')!r}) else 0)\n"
    )
    found = faked.take(at("latency: load", (tmp_path / "set").touch))
    assert found.verdict.name == "noisy"
    jumped = [reason for reason in found.verdict.reasons if reason.startswith("the clock jumped: ")]
    assert len(jumped) == 1
    assert "was it set, or did the device sleep" in jumped[0]


# Energy


@contextmanager
def rapl(device: FakedDevice, **domains: tuple[float, int, int]) -> Iterator[None]:
    """Counters that run: by domain the watts, the first value, and the microjoules after which it starts again."""
    folders = {name: f"class/powercap/intel-rapl:{number}" for number, name in enumerate(domains)}
    begin, over = time.monotonic(), threading.Event()

    def write() -> None:
        for name, (watts, first, span) in domains.items():
            count = (first + round((time.monotonic() - begin) * watts * 1e6)) % span
            part = device.sys / folders[name] / "part"
            part.write_text(f"{count}\n")
            part.rename(part.with_name("energy_uj"))

    def run() -> None:
        while not over.wait(0.005):
            write()

    for name, (_, _, span) in domains.items():
        device.write(**{f"{folders[name]}/name": name, f"{folders[name]}/max_energy_range_uj": span})
    write()
    runner = threading.Thread(target=run)
    runner.start()
    try:
        yield
    finally:
        over.set()
        runner.join()


def test_energy_of_one_inference(faked: FakedDevice) -> None:
    # One starts again every quarter of a second, so within the measurement or beside it, as it happens.
    with rapl(faked, package=(20.0, 0, 5_000_000), psys=(40.0, 5, 10**12)):
        found = faked.take()
    assert found.energy is not None
    by_name = {domain.domain: domain for domain in found.energy}
    assert "psys" in by_name
    for name, domain in by_name.items():
        # The samples and what is between them; neither the warm-up nor the loading.
        assert sum(found.samples_ns) / 1e9 < domain.window_s < sum(found.samples_ns) / 1e9 + 0.9
        assert 0 < domain.watts < {"package": 25, "psys": 100}[name]
        assert found.millijoules(domain) == pytest.approx(domain.spent_uj / 1e3 / len(found.samples_ns))
    assert by_name["psys"].idle_w == pytest.approx(40, rel=0.5)
    kept = json.loads(next(faked.reports.rglob("*.json")).read_text())
    assert kept["energy"][-1]["spent_uj"] == by_name["psys"].spent_uj


def test_counters_that_are_roots_are_said_and_not_zero(faked: FakedDevice) -> None:
    faked.write(**{"class/powercap/intel-rapl:0/name": "package-0"})
    (faked.sys / "class/powercap/intel-rapl:0/energy_uj").mkdir()  # root reads any file, but no folder
    found = faked.take()
    assert found.energy is None
    assert found.energy_note == "the energy counters (RAPL) are readable by root only"


def test_a_device_without_counters_and_one_whose_counter_stands_still(faked: FakedDevice) -> None:
    without = faked.take()
    assert (without.energy, without.energy_note) == (None, "")
    faked.write(**{f"class/powercap/intel-rapl:0/{name}": value for name, value in
                   {"name": "package-0", "energy_uj": 0, "max_energy_range_uj": 10**9}.items()})  # fmt: skip
    found = faked.take()
    assert found.energy is None
    assert found.energy_note == "the energy counters (RAPL) stand still"


@pytest.mark.slow
def test_energy_from_a_battery_is_in_the_report(faked: FakedDevice) -> None:
    battery = "class/power_supply/BAT0"
    faked.write(**{f"{battery}/{name}": value for name, value in
                   {"type": "Battery", "status": "Discharging", "power_now": 6_000_000}.items()})  # fmt: skip
    over = threading.Event()

    def run() -> None:
        turn = 0
        while not over.wait(0.1):
            turn += 1
            (faked.sys / battery / "part").write_text(f"{6_000_000 + 1000 * (turn % 5)}\n")
            (faked.sys / battery / "part").rename(faked.sys / battery / "power_now")

    writer = threading.Thread(target=run)
    writer.start()
    try:
        found = faked.take()
    finally:
        over.set()
        writer.join()
    assert found.energy is not None
    (domain,) = found.energy
    assert domain.domain == "BAT0"
    assert domain.watts == pytest.approx(6.0, rel=0.01)
    assert domain.idle_w == pytest.approx(6.0, rel=0.01)
    assert domain.inferences is not None
    assert found.millijoules(domain) == pytest.approx(domain.spent_uj / 1e3 / domain.inferences)
    assert found.verdict.name in ("stable", "noisy"), "the looks at the state enclose the samples alone"
    assert f"{domain.updates} new readings of the gauge, 6.0 W at rest, not subtracted" in energy(found)


# Cores


@pytest.fixture
def two_cores(faked: FakedDevice) -> FakedDevice:
    """CPU 0 is little and CPU 1 is big, as the scheduler sees it."""
    if not {0, 1} <= os.sched_getaffinity(0):
        pytest.skip("needs CPUs 0 and 1")
    for core, capacity in enumerate((446, 1024, 1024, 1024)):
        faked.write(**{f"devices/system/cpu/cpu{core}/cpu_capacity": capacity})
    return faked


def test_the_work_stays_on_the_cores_asked_for(two_cores: FakedDevice) -> None:
    found = {asked: two_cores.take(cores=asked, resume=True) for asked in ("little", "big", "1, 0")}
    pinned = {asked: one.pinned.cpus for asked, one in found.items() if one.pinned}
    assert pinned["little"] == (0,)
    assert found["little"].info.cores == len(os.sched_getaffinity(0))
    assert 1 in pinned["big"]
    assert 0 not in pinned["big"]
    assert pinned["1, 0"] == (0, 1)
    assert [found[asked].key.rpartition("-t1")[2] for asked in found] == ["-clittle", "-cbig", "-c0_1"]
    assert [str(d) for d in differences(found["little"], found["1, 0"]) if d.key == "pinned cores"] == [
        "pinned cores: 0 against 0, 1"
    ]
    again = profile([str(TINY)], "faked", cores="0,1", resume=True, reports_root=two_cores.reports)
    assert again.skipped == 1


@pytest.mark.parametrize(
    ("cores", "threads", "message"),
    [
        ("0", 2, r"2 threads do not fit on 1 pinned core \(0\)"),
        ("0,99", 1, "there is no core 99 here to be pinned to"),
    ],
)
def test_cores_that_cannot_be(two_cores: FakedDevice, cores: str, threads: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        two_cores.take(cores=cores, threads=[threads])


def test_a_device_whose_cores_are_alike_or_unknown(faked: FakedDevice) -> None:
    with pytest.raises(UsageError, match=r"all cores here are of one kind \(.*\), so none is little"):
        faked.take(cores="little")
    shutil.rmtree(faked.sys / "devices/system/cpu")
    with pytest.raises(UsageError, match=r"this machine does not tell which cores are big .* name them by number"):
        faked.take(cores="big")
    with pytest.raises(UsageError, match="--cores takes big, little or core numbers, got 'fast'"):
        faked.take(cores="fast")
