from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.agent.commands.info import info
from edgekit.base.progress import silent
from edgekit.bench.session import Limits
from edgekit.devices.inventory import find_device
from edgekit.devices.reach import what_is_built_first
from edgekit.devices.virtual.simulated import SIMULATED
from edgekit.errors import ToolError, UsageError, VerificationError
from edgekit.types import Device, DeviceInfo, DeviceState
from edgekit.types.answers import InfoAnswer, Room
from edgekit.verbs.devices import Check, add_device, check_device, judge, list_devices, raise_failures, remove_device
from edgekit.verbs.prepare_device import prepare_device
from edgekit.verbs.profile import profile
from tests.support.checks import with_check

DATA = Path(__file__).parent.parent / "data" / "artifacts"
SHORT = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0)


@pytest.fixture(autouse=True)
def project(empty_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project and user folder, and an SSH config that names nothing."""
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(tmp_path / "ssh_config"))
    return empty_project


@pytest.fixture
def board(ssh_board: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``--device board``: a Host alias of the SSH config, and an entry for its Python."""
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    add_device("board", "board", python=sys.executable)
    return ssh_board


# The inventory


def test_added_listed_removed(tmp_path: Path) -> None:
    (tmp_path / "ssh_config").write_text("Host alias\n")
    assert add_device("rpi4", "pi@10.0.0.4", board="rpi4", tags=["lab"], port=None) == Path("devices.toml")
    user_file = add_device("nuc", "10.0.0.5", for_user=True)
    assert user_file == tmp_path / "user" / "edgekit" / "devices.toml"
    listed = {one.device.id: one.source for one in list_devices()}
    assert listed == {
        "local": "built in",
        "virtual-rpi4": "built in",
        "virtual-rpi5": "built in",
        "virtual-phone": "built in",
        "virtual-phone-2": "built in",
        **dict.fromkeys(SIMULATED, "built in"),
        "rpi4": "devices.toml",
        "nuc": str(user_file),
        "alias": "SSH config",
    }
    assert remove_device("nuc") == user_file
    assert remove_device("rpi4") == Path("devices.toml")
    assert len(list_devices()) == 6 + len(SIMULATED)


def test_this_machine_with_another_interpreter(project: Path) -> None:
    add_device("webgpu", "local", python="/nowhere/bin/python")
    assert find_device("webgpu") == Device(id="webgpu", transport="local", python="/nowhere/bin/python")
    with pytest.raises(UsageError, match="webgpu is to run by /nowhere/bin/python, and there is no such program here"):
        check_device("webgpu", silent)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: add_device("local", "x"), "edgekit's own"),
        (lambda: add_device("a/b", "x"), "id"),
        (lambda: add_device("a", "-x"), "address"),
        (lambda: add_device("a", "b@"), "address"),
        (lambda: add_device("a", "x", board="rpi44"), "unknown board"),
        (lambda: remove_device("nobody"), "no devices.toml has a device 'nobody'"),
        (lambda: remove_device("local"), "it is built in"),
        (lambda: prepare_device("local", silent), "there is nothing that edgekit could prepare"),
        (lambda: check_device("nobody", silent), "unknown device 'nobody'"),
    ],
)
def test_mistakes(call: Callable[[], Any], message: str, project: Path) -> None:
    with pytest.raises(UsageError, match=message):
        call()
    assert list(project.iterdir()) == []


def test_a_phone_needs_an_address(project: Path) -> None:
    (project / "devices.toml").write_text('[phone]\ntransport = "adb"\n')
    with pytest.raises(UsageError, match='transport = "adb" needs an address'):
        check_device("phone", silent)


def test_a_build_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    said = what_is_built_first("virtual-rpi4")
    assert said is not None
    assert said.startswith("virtual-rpi4 is not built yet: downloading")
    assert str(tmp_path / "cache" / "boards") in said
    assert what_is_built_first("local") is None


# Checking


def test_this_machine_is_checked() -> None:
    checks = {check.name: check for check in check_device("local", silent).checks}
    assert {checks[name].status for name in ("python", "numpy", "onnxruntime", "litert", "openvino")} == {"ok"}
    assert "login" not in checks
    assert checks["time"].status == "ok"


def test_a_board_is_checked_step_by_step(board: Any) -> None:
    checks = {check.name: check for check in check_device("board", silent).checks}
    assert list(checks)[:3] == ["reachable", "host key", "login"]
    assert not [check for check in checks.values() if check.status == "failed"]


def test_the_step_that_fails_is_the_last(board: Any) -> None:
    (board.folder / "known_hosts").write_text("")
    done = check_device("board", silent)
    assert [(check.name, check.status) for check in done.checks] == [("reachable", "ok"), ("host key", "failed")]
    with pytest.raises(ToolError, match="board cannot be measured on: host key") as caught:
        raise_failures("board", done)
    assert "log in once by hand" in caught.value.hint


def test_no_python_is_found_after_the_login(board: Any) -> None:
    remove_device("board")
    add_device("board", "board", python="/nowhere/python3")
    done = check_device("board", silent)
    assert [check.name for check in done.failed] == ["python"]
    assert done.quarantine is None
    assert done.checks[0] == Check("reachable", "ok", "")


def test_doubts_become_warnings() -> None:
    told = InfoAnswer(
        info=DeviceInfo(python="3.9", machine="aarch64", system="Linux", cpu="4 x Cortex-A53", cores=4),
        versions={"numpy": "1.26", "tflite-runtime": "2.14.0"},
        state=DeviceState(unix_time=1000.0, temperature_c={"cpu": 50.0}, throttled=()),
        free=Room(disk_bytes=10_000_000, memory_bytes=None),
        glibc="2.31",
    )
    add_device("rpi4", "x", board="rpi4")
    device = next(one.device for one in list_devices() if one.device.id == "rpi4")
    checks = {check.name: check for check in judge(device, told, 1100.0, 1101.0, " (on rpi4)")}
    warned = {name for name, check in checks.items() if check.status == "warning"}
    assert warned == {"board", "onnxruntime", "openvino", "clock", "governor", "free disk", "free memory", "time"}
    assert checks["litert"].detail == "tflite-runtime 2.14.0"
    assert checks["onnxruntime"].remedy == (
        "edgekit devices prepare rpi4, or by hand: pip install onnxruntime (on rpi4)"
    )
    assert checks["time"].detail == "100 s off this machine's"
    assert not [check for check in checks.values() if check.sick]
    none = {check.name: check.status for check in judge(device, told.model_copy(update={"versions": {}}), 1.0, 1.0, "")}
    assert {none[name] for name in ("numpy", "onnxruntime", "litert", "openvino")} == {"failed"}


@pytest.mark.parametrize(
    ("state", "name", "detail"),
    [
        ({"temperature_c": {"gpu": 50.0, "cpu": 91.2}}, "temperature", "91 °C at rest (cpu), where 85 °C is too hot"),
        ({"throttled": ["under-voltage", "throttled since boot"]}, "throttle flags", "under-voltage, at rest"),
        ({"throttled": ["thermal status 3 (severe)"]}, "throttle flags", "thermal status 3 (severe), at rest"),
        ({"throttled": ["throttled since boot"], "temperature_c": {"cpu": 84.9}}, "", ""),
    ],
)
def test_a_hot_or_throttled_device_is_sick(state: dict[str, Any], name: str, detail: str) -> None:
    here = info()
    here["state"].update({"temperature_c": {"cpu": 40.0}, "throttled": [], **state})
    told = InfoAnswer.from_plain(here)
    device = Device(id="rpi4", transport="ssh", address="x")
    sick = [(check.name, check.detail) for check in judge(device, told, 0.0, 1e12, "") if check.sick]
    assert sick == ([(name, detail)] if name else [])
    here["info"]["emulated"] = True
    assert not [check for check in judge(device, InfoAnswer.from_plain(here), 0.0, 1e12, "") if check.sick]


# Measuring


def test_profile_over_ssh(board: Any, tmp_path: Path) -> None:
    root = Path(shutil.copytree(DATA, tmp_path / "artifacts"))
    with_check(root / "tiny" / "tflite-int8")
    outcome = profile([], "board", artifacts_root=root, reports_root=tmp_path / "reports", limits=SHORT)
    outcome.raise_failures()
    assert len(outcome.measurements) == 4
    assert {path.parent.name for path in outcome.reports} == {"board"}
    assert {m.device.address for m in outcome.measurements} == {"board"}
    checked = {m.profile: m.device_cosine for m in outcome.measurements}
    assert checked["tflite-int8"] == pytest.approx(1.0, abs=1e-6)
    assert checked["onnx-fp32"] is None
    assert board.runs == []


def test_wrong_outputs_are_an_error_and_no_measurement(tmp_path: Path) -> None:
    root = Path(shutil.copytree(DATA / "tiny" / "onnx-fp32", tmp_path / "artifact"))
    with_check(root, lambda reference: -reference)
    outcome = profile([str(root)], artifacts_root=root, reports_root=tmp_path / "reports", limits=SHORT)
    with pytest.raises(VerificationError, match=r"computes something else on local: cosine -1\.00000"):
        outcome.raise_failures()
    assert not (tmp_path / "reports").exists()


@pytest.mark.slow
def test_the_emulated_pi_4_computes_what_this_machine_does(emulated: None, tmp_path: Path) -> None:
    root = Path(shutil.copytree(DATA, tmp_path / "artifacts"))
    for folder in (root / "tiny").iterdir():
        with_check(folder)
    outcome = profile([], "virtual-rpi4", artifacts_root=root, reports_root=tmp_path / "reports")
    outcome.raise_failures()
    assert {m.runtime for m in outcome.measurements} == {"onnxruntime", "openvino", "litert"}
    for measurement in outcome.measurements:
        assert measurement.verdict.name == "emulated"
        assert measurement.info.machine == "aarch64"
        assert "Cortex-A72" in measurement.info.cpu
        assert measurement.device_cosine == pytest.approx(1.0, abs=1e-4 if measurement.precision == "int8" else 1e-6)
    assert {path.parent.name for path in outcome.reports} == {"virtual-rpi4"}


def test_a_phone_is_added_by_its_serial(tmp_path: Path) -> None:
    add_device("pixel", "adb:28241FDH2001AB")
    add_device("far", "adb:10.0.0.7:5555", benchmark_model=str(tmp_path / "absent"))
    devices = {one.device.id: one.device for one in list_devices()}
    assert (devices["pixel"].transport, devices["pixel"].address) == ("adb", "28241FDH2001AB")
    assert devices["far"].address == "10.0.0.7:5555"
    with pytest.raises(UsageError, match="neither python = nor benchmark_model ="):
        check_device("pixel", silent)
    with pytest.raises(UsageError, match=r"there is no file .*absent, the benchmark_model of far"):
        check_device("far", silent)
    with pytest.raises(UsageError, match="adb knows neither user nor port"):
        add_device("odd", "adb:pi@10.0.0.7")
