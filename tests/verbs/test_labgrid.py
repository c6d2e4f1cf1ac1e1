"""Places of a real labgrid coordinator and exporter on loopback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.distribution import install_command
from edgekit.base.progress import Event, silent
from edgekit.bench.session import Limits
from edgekit.devices import labgrid
from edgekit.devices.labgrid import parse
from edgekit.devices.reach import reach
from edgekit.devices.ssh_errors import DeviceError
from edgekit.errors import ToolError, UsageError
from edgekit.types import Device
from edgekit.verbs.devices import Check, add_device, check_device
from edgekit.verbs.gate import gate, plan
from edgekit.verbs.profile import profile

DATA = Path(__file__).parent.parent / "data" / "artifacts"
SHORT = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0, target_half_width=1.0)
ENTRY = '[bench]\ntransport = "local"\nlabgrid = "shelf-1"\ncoordinator = "{}"\n'
"""This machine, as a board in the rack."""


@dataclass(frozen=True)
class Rack:
    """A running coordinator."""

    programs: Path
    address: str
    folder: Path

    def client(self, *words: str, user: str = "alice") -> str:
        """What ``labgrid-client`` prints for a user of the host ``here``."""
        environment = {
            **{k: v for k, v in os.environ.items() if k not in labgrid.OVERRIDING},
            "LG_HOSTNAME": "here",
            "LG_USERNAME": user,
        }
        command = [str(self.programs / "labgrid-client"), "-x", self.address, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def holder(self, place: str = "shelf-1") -> str | None:
        shown = parse(self.client("-p", place, "show"))
        assert shown is not None
        return shown.holder


@contextmanager
def running(command: list[str], folder: Path, ready: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that has printed ``ready``, until the block ends."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL,
                                  env={**os.environ, "PYTHONUNBUFFERED": "1"})  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while ready not in log.read_text(errors="replace"):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start: {log.read_text(errors='replace')}")
            time.sleep(0.1)
        yield server
    finally:
        server.terminate()
        server.wait(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def coordinator(labgrid_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """A coordinator with the places shelf-1, which needs nothing, and shelf-2, which needs an exported service."""
    folder = tmp_path_factory.mktemp("coordinator")
    rack = Rack(labgrid_programs, f"127.0.0.1:{free_port()}", folder)
    with running([f"{labgrid_programs}/labgrid-coordinator", "-l", rack.address], folder, "Coordinator ready"):
        rack.client("-p", "shelf-1", "create")
        rack.client("-p", "shelf-2", "create")
        rack.client("-p", "shelf-2", "add-match", "exporter/board/NetworkService")
        yield rack


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project; whatever the user has set is away, also what would have the client take another place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(tmp_path / "ssh_config"))
    monkeypatch.delenv("LG_COORDINATOR", raising=False)
    monkeypatch.setenv("LG_HOSTNAME", "here")
    monkeypatch.setenv("LG_USERNAME", "alice")
    monkeypatch.setenv("LG_PLACE", "another")
    monkeypatch.setenv("STATE", "not labgrid's")
    return tmp_path


@pytest.fixture
def rack(coordinator: Rack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rack]:
    """The coordinator, all free before and after the test."""
    monkeypatch.setenv("EDGEKIT_LABGRID_CLIENT", str(coordinator.programs / "labgrid-client"))
    yield coordinator
    if coordinator.holder() is not None:
        coordinator.client("-p", "shelf-1", "release", "--kick")


def here(rack: Rack, place: str = "shelf-1", **more: Any) -> Device:
    """This machine, as a board in the rack."""
    return Device(id="bench", transport="local", labgrid=place, coordinator=rack.address, **more)


def test_profile_holds_the_place_whose_service_tells_the_address(rack: Rack, ssh_board: Any, tmp_path: Path) -> None:
    ssh_board.config.write_text(ssh_board.config.read_text().replace("Host board", "Host 127.0.0.1"))
    (tmp_path / "ssh_config").write_text(ssh_board.config.read_text())
    (tmp_path / "exports.yaml").write_text(
        f"board:\n  NetworkService:\n    address: 127.0.0.1\n    username: root\n    port: {ssh_board.port}\n"
    )
    command = ["labgrid-exporter", "-c", rack.address, "-n", "exporter", "--hostname", "127.0.0.1", "exports.yaml"]
    command[0] = str(rack.programs / command[0])
    add_device("board", None, labgrid="shelf-2", coordinator=rack.address, python=sys.executable)
    holders: list[str | None] = []

    def step(event: Event) -> None:
        if "connecting" in event.text:
            holders.append(rack.holder("shelf-2"))

    with running(command, tmp_path, "connected to coordinator"):
        root = Path(shutil.copytree(DATA / "tiny" / "onnx-fp32", tmp_path / "artifact"))
        outcome = profile([str(root)], "board", reports_root=tmp_path / "reports", limits=SHORT, progress=step)
        outcome.raise_failures()
        assert holders == ["here/alice"]
        assert rack.holder("shelf-2") is None
        (measurement,) = outcome.measurements
        assert (measurement.device.labgrid, measurement.device.address) == ("shelf-2", None)
        checks = check_device("board", step).checks
        assert checks[:2] == [
            Check("labgrid place", "ok", "shelf-2, held for this check"),
            Check("reachable", "ok", ""),
        ]
        assert not [check for check in checks if check.status == "failed"]
        assert rack.holder("shelf-2") is None
    assert ssh_board.runs == []


def test_without_its_exporter_a_place_is_refused(rack: Rack) -> None:
    with (
        pytest.raises(DeviceError, match=r"acquiring place shelf-2: labgrid refused it\n.*no matching remote resource"),
        reach(here(rack, "shelf-2"), silent),
    ):
        pytest.fail("it has no exporter")


def test_a_failing_run_gives_the_place_back(rack: Rack, heard: Any) -> None:
    add_device("board", "127.0.0.1", port=free_port(), labgrid="shelf-1", coordinator=rack.address)
    checks = check_device("board", heard).checks
    assert [(check.name, check.status) for check in checks] == [("labgrid place", "ok"), ("reachable", "failed")]
    assert "acquired place shelf-1" in heard.lines
    assert heard.lines[-1] == "released place shelf-1"
    assert rack.holder() is None


def test_who_holds_it_is_said(rack: Rack) -> None:
    rack.client("-p", "shelf-1", "acquire", user="bob")
    add_device("board", "127.0.0.1", labgrid="shelf-1", coordinator=rack.address)
    (check,) = check_device("board", silent).checks
    assert (check.name, check.status) == ("labgrid place", "failed")
    assert re.fullmatch(r"place shelf-1 is held by here/bob \(last change [-0-9]+ [:0-9]+\)", check.detail)
    assert "wait_s = 600 under [board]" in check.remedy
    assert rack.holder() == "here/bob"


def test_waiting_ends_when_the_place_is_released(rack: Rack) -> None:
    rack.client("-p", "shelf-1", "acquire", user="bob")
    releasing: list[threading.Thread] = []

    def step(event: Event) -> None:
        if event.text.startswith("waiting for place shelf-1, which is held by here/bob"):
            release = threading.Thread(target=rack.client, args=("-p", "shelf-1", "release"), kwargs={"user": "bob"})
            release.start()
            releasing.append(release)

    with reach(here(rack, wait_s=60), step):
        assert rack.holder() == "here/alice"
    releasing[0].join()
    assert rack.holder() is None
    assert rack.client("reservations") == ""


def test_waiting_ends_when_the_time_is_over(rack: Rack) -> None:
    rack.client("-p", "shelf-1", "acquire", user="bob")
    with (
        pytest.raises(DeviceError, match=r"held by here/bob \(last change .*\) after \d+ s of waiting"),
        reach(here(rack, wait_s=2), silent),
    ):
        pytest.fail("bob has it")
    assert rack.client("reservations") == ""
    assert rack.holder() == "here/bob"


def test_a_place_reserved_by_others_is_theirs(rack: Rack) -> None:
    made = rack.client("reserve", "--shell", "name=shelf-1", user="bob")
    with (
        pytest.raises(DeviceError, match="place shelf-1 is held by a reservation of here/bob"),
        reach(here(rack), silent),
    ):
        pytest.fail("bob has reserved it")
    rack.client("cancel-reservation", made.strip().partition("=")[2])


def test_a_place_that_is_ours_or_that_we_may_use_is_left_as_it_is(rack: Rack, heard: Any) -> None:
    rack.client("-p", "shelf-1", "acquire")
    with reach(here(rack), heard):
        assert heard.lines[-1] == "place shelf-1 is yours already: used, and not released afterwards"
    assert rack.holder() == "here/alice"
    rack.client("-p", "shelf-1", "release")
    rack.client("-p", "shelf-1", "acquire", user="bob")
    rack.client("-p", "shelf-1", "allow", "here/alice", user="bob")
    with reach(here(rack), heard):
        assert heard.lines[-1] == "place shelf-1 is here/bob's, who allows you in: used, and not released afterwards"
    assert rack.holder() == "here/bob"


def test_two_runs_of_one_owner_do_not_share_a_place(rack: Rack) -> None:
    with reach(here(rack), silent):
        with (
            pytest.raises(DeviceError, match=rf"another edgekit run of yours on this machine \(process {os.getpid()}"),
            reach(here(rack), silent),
        ):
            pytest.fail("the first has it")
        assert rack.holder() == "here/alice"
    with reach(here(rack), silent):
        assert rack.holder() == "here/alice"


def kick(rack: Rack) -> None:
    """Bob takes the place from whoever has it."""
    rack.client("-p", "shelf-1", "release", "--kick", user="bob")
    rack.client("-p", "shelf-1", "acquire", user="bob")


def test_a_place_taken_from_us_is_said(rack: Rack) -> None:
    with (
        pytest.raises(DeviceError, match=r"taken from us while we used it: now here/bob has it \(since "),
        reach(here(rack), silent),
    ):
        kick(rack)
    assert rack.holder() == "here/bob"


@pytest.mark.slow
def test_no_verdict_stands_when_the_place_was_taken_from_us(rack: Rack, project: Path) -> None:
    (project / "devices.toml").write_text(ENTRY.format(rack.address))
    (project / "gate.toml").write_text("[default]\nsentinel = 1e9\nload = 1e9\nwaited = 1e9\nuneven = 1e9\n")
    artifact = str(shutil.copytree(DATA / "tiny" / "tflite-fp32", project / "artifacts" / "tiny" / "tflite-fp32"))

    def step(event: Event) -> None:
        if event.text == "pair 2":
            kick(rack)

    (planned,) = plan([artifact], ["bench"], baseline=DATA / "tiny", limits=SHORT)
    brief = replace(planned, rule=planned.rule.model_copy(update={"looks": (6,)}))
    (result,) = gate([brief], seed=1, progress=step)
    assert (result.status, len(result.pairs)) == ("BROKEN_OFF", 6)
    assert "taken from us while we used it: now here/bob has it" in result.reason


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_gives_the_place_back(rack: Rack, project: Path, number: signal.Signals) -> None:
    (project / "devices.toml").write_text(ENTRY.format(rack.address))
    command = [sys.executable, "-m", "edgekit", "profile", str(DATA / "tiny" / "onnx-fp32"), "-d", "bench"]
    run = subprocess.Popen([*command, "--sustained", "10m"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while rack.holder() is None and run.poll() is None:
        time.sleep(0.2)
    run.send_signal(number)
    _, said = run.communicate(timeout=120)
    assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], said.decode()
    assert rack.holder() is None


def test_an_interrupted_release_is_made_up_for(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = iter([True, False])
    original = labgrid.Lease.release

    def release(lease: labgrid.Lease) -> None:
        if next(interrupted):
            raise KeyboardInterrupt
        original(lease)

    monkeypatch.setattr(labgrid.Lease, "release", release)
    with pytest.raises(KeyboardInterrupt), reach(here(rack), silent):
        assert rack.holder() == "here/alice"
    assert rack.holder() is None


def test_an_unknown_place(rack: Rack) -> None:
    for wrong in ("shelf-3", "shelf"):  # the client would take a part of a name, or find that it means two
        with pytest.raises(DeviceError, match=f"has no place '{wrong}'") as caught, reach(here(rack, wrong), silent):
            pytest.fail("there is none")
        assert caught.value.hint == "did you mean shelf-2 or shelf-1?"


def test_no_coordinator(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LG_COORDINATOR", f"127.0.0.1:{free_port()}")
    nobody = Device(id="bench", transport="local", labgrid="shelf-1")
    with (
        pytest.raises(DeviceError, match=r"no labgrid coordinator answers at 127\.0\.0\.1:\d+\n.*Connection refused"),
        reach(nobody, silent),
    ):
        pytest.fail("nobody is there")


def test_a_coordinator_that_says_nothing(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        device = Device(id="bench", transport="local", labgrid="shelf-1", coordinator=address)
        monkeypatch.setattr(labgrid, "CALL_S", 3.0)
        with (
            pytest.raises(DeviceError, match=f"the labgrid coordinator {address} did not answer within 3 s"),
            reach(device, silent),
        ):
            pytest.fail("it does not answer")


def end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()


def test_the_coordinator_is_killed_while_a_place_is_held(
    labgrid_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEKIT_LABGRID_CLIENT", str(labgrid_programs / "labgrid-client"))
    rack = Rack(labgrid_programs, f"127.0.0.1:{free_port()}", tmp_path)
    command = [f"{labgrid_programs}/labgrid-coordinator", "-l", rack.address]
    with running(command, tmp_path, "Coordinator ready") as server:
        rack.client("-p", "shelf-1", "create")
        begin = time.monotonic()
        with pytest.raises(DeviceError, match="no labgrid coordinator answers"), reach(here(rack), silent):
            end(server)
    assert time.monotonic() - begin < 60
    with running(command, tmp_path, "Coordinator ready"):
        rack.client("-p", "shelf-1", "create")
        with reach(here(rack), silent):  # our own lock of the place has gone as well
            assert rack.holder() == "here/alice"


def test_without_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    device = Device(id="bench", transport="local", labgrid="shelf-1")
    monkeypatch.setenv("EDGEKIT_LABGRID_CLIENT", str(tmp_path / "nowhere"))
    with (
        pytest.raises(ToolError, match=r"EDGEKIT_LABGRID_CLIENT names '.*nowhere', which is not a program"),
        reach(device, silent),
    ):
        pytest.fail("there is none")
    monkeypatch.delenv("EDGEKIT_LABGRID_CLIENT")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolError, match="the program labgrid-client is not here") as caught, reach(device, silent):
        pytest.fail("there is none")
    assert install_command("labgrid") in caught.value.hint


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: add_device("a", None), "needs an address, or a labgrid place"),
        (lambda: add_device("a", "x", wait_s=3.0), "coordinator and wait_s are of a labgrid place"),
        (lambda: add_device("a", "x", labgrid="-p"), "labgrid"),
        (lambda: add_device("a", "x", labgrid="+"), "labgrid"),
        (lambda: add_device("a", "x", labgrid="p", coordinator="--debug"), "coordinator"),
        (lambda: add_device("a", "x", labgrid="p", wait_s=-1.0), "wait_s"),
    ],
)
def test_mistakes(call: Callable[[], Any], message: str, project: Path) -> None:
    with pytest.raises(UsageError, match=message):
        call()
