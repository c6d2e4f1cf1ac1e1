from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from edgekit.base.progress import Finished, Step, silent
from edgekit.cli.profile import profile_command
from edgekit.errors import ToolError, UsageError
from edgekit.types import Device
from edgekit.verbs.devices import add_device
from edgekit.verbs.profile import Failure, Profiled
from edgekit.verbs.profile_many import DeviceOutcome, profile_many, raise_device_failures

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
APP = typer.Typer()
APP.command()(profile_command)


def ssh(name: str) -> Device:
    return Device(id=name, transport="ssh", address=name)


def test_they_run_at_once_and_fail_alone(heard: Any) -> None:
    both = threading.Barrier(2, timeout=20)
    ended: list[str] = []

    def run(name: str, step: Any) -> Profiled:
        both.wait()  # passes only when the other runs too
        step(Step("measuring"))
        if name == "b":
            raise ToolError("b went away", "plug it in")
        return Profiled()

    outcomes = profile_many([ssh("a"), ssh("b")], run, heard, lambda outcome: ended.append(outcome.device.id))
    assert [(one.device.id, one.error is None) for one in outcomes] == [("a", True), ("b", False)]
    assert sorted(ended) == ["a", "b"]
    assert Step("measuring", ("a",)) in heard.events
    assert Finished("failed: b went away", ("b",)) in heard.events
    with pytest.raises(ToolError, match=r"1 measurements or devices failed:\n  b: b went away") as caught:
        raise_device_failures(outcomes)
    assert caught.value.hint == "plug it in"


def test_devices_that_share_this_machine_take_turns() -> None:
    busy = threading.Lock()

    def run(name: str, step: Any) -> Profiled:
        assert busy.acquire(blocking=False), "two ran at once"
        time.sleep(0.05)
        busy.release()
        return Profiled()

    places = [Device(id="local", transport="local"), Device(id="virtual-rpi4", transport="virtual")]
    assert all(one.error is None for one in profile_many(places, run, silent, lambda _: None))


def test_what_the_run_ends_with() -> None:
    raise_device_failures([DeviceOutcome(ssh("a"), Profiled())])
    wrong = DeviceOutcome(ssh("a"), error=UsageError("no artifacts"))
    with pytest.raises(UsageError, match="no artifacts"):
        raise_device_failures([wrong])
    partly = DeviceOutcome(ssh("b"), Profiled(failures=[Failure("tiny/onnx-fp32", UsageError("odd"))]))
    with pytest.raises(ToolError, match="b, tiny/onnx-fp32: odd"):
        raise_device_failures([DeviceOutcome(ssh("a"), Profiled()), partly])


def test_a_tag_on_the_command_line(ssh_board: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    add_device("board", "board", python=sys.executable, tags=["lab"])
    add_device("absent", "absent.invalid", tags=["lab"])
    arguments = [str(TINY / "tflite-fp32"), "--device", "lab,local", "--json"]
    done = CliRunner().invoke(APP, arguments)
    found = json.loads(done.stdout)
    assert list(found) == ["board", "absent", "local"]
    assert [len(found[name]["measurements"]) for name in ("board", "local")] == [1, 1]
    assert "absent cannot be reached" in found["absent"]["error"]
    assert isinstance(done.exception, ToolError)
    assert (tmp_path / "device_reports" / "board" / "tiny__tflite-fp32__litert-cpu-t1.json").is_file()


@pytest.mark.slow
def test_two_phones_at_once(emulated_phone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One has benchmark_model's stand-in, the other runs the agent in Python; both by real adbd, side by side."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(APP, [str(TINY / "tflite-fp32"), "--device", "virtual-phone,virtual-phone-2", "--json"])
    assert done.exception is None, done.output
    found = json.loads(done.stdout)
    native, python = (found[name]["measurements"][0] for name in ("virtual-phone", "virtual-phone-2"))
    for measurement in (native, python):
        assert measurement["verdict"]["name"] == "emulated"
        assert measurement["info"]["machine"] == "aarch64"
    assert "stand-in for benchmark_model" in native["runtime_version"]
    assert native["settings"]["samples"].startswith(
        f"2 inferences of each of {len(native['samples_ns']) // 2} launches"
    )
    assert "avg_ms=" in native["settings"]["result file"]
    assert native["device_cosine"] is None
    assert native["state_before"]["temperature_c"] == {"CPU0": 41.2, "GPU0": 39.8, "battery": 31.0, "skin": 36.5}
    with pytest.raises(ToolError, match="the GPU took no part in it"):
        CliRunner().invoke(
            APP,
            [str(TINY / "tflite-fp32"), "--device", "virtual-phone", "--accelerator", "gpu"],
            catch_exceptions=False,
        )
