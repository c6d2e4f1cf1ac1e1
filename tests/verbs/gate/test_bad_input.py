"""Bad input: each kind has its own outcome and exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.files import STAGING
from edgekit.bench.launch import ThisMachine
from edgekit.errors import ToolError, UsageError
from edgekit.gate.baselines import PIN, REPORT, read_pin
from edgekit.types import GateResult
from edgekit.verbs import gate as gate_module
from edgekit.verbs.gate import gate, plan, update
from tests.verbs.gate.conftest import DATA, KEY, SHORT, TINY, planned, run


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Make ``local`` answer from a script from now on, see ``tests/data/device/stand_in.py``."""

    def become(**script: Any) -> None:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(script))

        class StandIn(ThisMachine):
            def command(self, program: str, argument: str) -> list[str]:
                return [sys.executable, "-S", str(DATA / "device" / "stand_in.py"), str(path), program, argument]

        monkeypatch.setattr("edgekit.devices.reach.ThisMachine", StandIn)

    return become


# Bad input: each its own outcome and exit code


def test_a_missing_baseline(artifact: Path) -> None:
    with pytest.raises(UsageError, match=f"no baseline of {KEY} for local under device_reports") as caught:
        planned(artifact)
    assert caught.value.exit_code == 2
    assert caught.value.hint.endswith("edgekit gate --update tiny --device local")


@pytest.mark.parametrize("named", [".", "local/" + KEY + ".baseline", "local/" + KEY + ".baseline/baseline.json"])
def test_a_pin_that_stepped_aside_when_its_writer_was_killed_comes_back(
    artifact: Path, pinned: Path, named: str
) -> None:
    before = read_pin(pinned)
    pinned.rename(pinned.with_name(f"{STAGING}{pinned.name}-0123456789ab-old"))
    (one,) = planned(artifact, baseline=Path("device_reports") / named)
    assert one.baseline.pin == before
    assert [path.name for path in pinned.parent.iterdir()] == [pinned.name]


def test_pinning_anew_knows_the_pin_that_stepped_aside(artifact: Path, pinned: Path) -> None:
    before = read_pin(pinned).conditions.baseline_sha256
    pinned.rename(pinned.with_name(f"{STAGING}{pinned.name}-0123456789ab-old"))
    (made,) = update([str(artifact)], limits=SHORT)
    assert made.replaced == before
    assert [path.name for path in pinned.parent.iterdir()] == [pinned.name]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 9}'])
def test_a_damaged_pin(artifact: Path, pinned: Path, text: str) -> None:
    (pinned / PIN).write_text(text)
    with pytest.raises(UsageError, match=r"baseline\.json is not a baseline") as caught:
        planned(artifact)
    assert "--update" in caught.value.hint


def test_a_pin_that_was_changed_by_hand(artifact: Path, pinned: Path) -> None:
    data = json.loads((pinned / PIN).read_text())
    data["conditions"]["runtime_version"] = "0.0.1"
    (pinned / PIN).write_text(json.dumps(data))
    with pytest.raises(UsageError, match=r"baseline\.json was changed by hand: its seal does not fit"):
        planned(artifact)


@pytest.mark.parametrize("name", [REPORT, "manifest.json", "model.tflite"])
def test_a_pinned_file_that_was_changed_or_lost(artifact: Path, pinned: Path, name: str) -> None:
    data = bytearray((pinned / name).read_bytes())
    data[20] ^= 1
    (pinned / name).write_bytes(data)
    with pytest.raises(UsageError, match=f"{name} is not the file that was pinned") as caught:
        planned(artifact)
    assert caught.value.exit_code == 2
    (pinned / name).unlink()
    with pytest.raises(UsageError, match=f"{name} is missing from the baseline"):
        planned(artifact)


def test_a_damaged_pin_can_be_pinned_anew(artifact: Path, pinned: Path) -> None:
    (pinned / PIN).write_text("{")
    assert update([str(artifact)], limits=SHORT)[0].replaced == "unreadable"
    read_pin(pinned)


def test_a_broken_candidate_is_invalid_not_a_regression(artifact: Path, pinned: Path) -> None:
    (artifact / "model.tflite").write_bytes(b"broken")
    result = run(artifact)
    assert (result.status, result.exit_code) == ("INVALID", 3)
    assert "is not the file that was verified" in result.reason


def test_another_runtime_version(artifact: Path, pinned: Path) -> None:
    pin = read_pin(pinned)
    old = pin.conditions.model_copy(update={"runtime_version": "1.0.0", "system": "Linux-1.0"})
    (pinned / PIN).write_text(pin.model_copy(update={"conditions": old}).sealed().model_dump_json())
    result = run(artifact)
    assert (result.status, result.exit_code) == ("NOT_COMPARABLE", 5)
    assert [difference.key for difference in result.differences] == ["system", "runtime_version"]
    assert 'runtime_version was "1.0.0" and is' in result.reason


def test_another_runtime(artifact: Path) -> None:
    result = gate(planned(artifact, baseline=TINY / "onnx-fp32"), seed=1)[0]
    assert result.status == "NOT_COMPARABLE"
    assert result.reason == "the baseline runs on onnxruntime, the candidate on litert"


def test_a_device_that_goes_in_the_middle(artifact: Path, pinned: Path, device: Callable[..., None]) -> None:
    plans = planned(artifact, baseline=TINY / "tflite-fp32")
    device(bench=[*[{"samples_ns": [1000, 1001] * 10}] * 5, {"die": 0}])
    (result,) = gate(plans, seed=1)
    assert (result.status, result.exit_code) == ("BROKEN_OFF", 3)
    assert "ended with exit code 7" in result.reason
    (kept,) = Path("gate_results/local").iterdir()
    assert len(GateResult.model_validate_json(kept.read_text()).pairs) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"samples_ns": [400_000_000]}, "1 sample,"),
        ({"load_ns": 10**12}, "the clock jumped"),
    ],
)
def test_samples_that_are_none(artifact: Path, device: Callable[..., None], answer: dict[str, Any], words: str) -> None:
    plans = planned(artifact, baseline=TINY / "tflite-fp32")
    device(bench=[answer])
    (result,) = gate(plans, seed=1)
    assert (result.status, result.exit_code) == ("INVALID", 3)
    assert words in result.reason


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "samples_ns: tuple should have at least 1 item"),
        ([5], "1 sample of 5e-09 s together, where 20 were asked for"),
        ([5, float("nan")], "NaN where a number should be"),
        ([5, -5], "samples_ns.1: input should be greater than 0, got -5"),
    ],
)
def test_an_agent_that_answers_nonsense_breaks_off(
    artifact: Path, device: Callable[..., None], samples: list[float], words: str
) -> None:
    plans = planned(artifact, baseline=TINY / "tflite-fp32")
    device(bench=[{"samples_ns": samples}])
    (result,) = gate(plans, seed=1)
    assert (result.status, result.exit_code) == ("BROKEN_OFF", 3)
    assert words in result.reason


def test_a_device_that_cannot_be_reached_breaks_off_and_the_others_go_on(
    artifact: Path, project: Path, device: Callable[..., None]
) -> None:
    (project / "devices.toml").write_text('[away]\ntransport = "ssh"\naddress = "192.0.2.1"\n')
    (project / "ssh_config").write_text("Host *\n  ConnectTimeout 1\n  ProxyCommand false\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEKIT_SSH_CONFIG", str(project / "ssh_config"))
        plans = planned(artifact, devices=["away", "local"], baseline=TINY / "tflite-fp32")
        device(bench=[{"samples_ns": [400_000_000]}])
        away, local = gate(plans, seed=1)
    assert (away.status, away.exit_code) == ("BROKEN_OFF", 3)
    assert "away" in away.reason
    assert local.status == "INVALID"
    assert local.family == 2


def test_a_killed_run_leaves_no_verdict(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> GateResult:
        raise KeyboardInterrupt

    monkeypatch.setattr(gate_module, "run_gate", killed)
    with pytest.raises(KeyboardInterrupt):
        gate(planned(artifact, baseline=TINY / "tflite-fp32"), seed=1)
    (kept,) = Path("gate_results/local").iterdir()
    assert GateResult.model_validate_json(kept.read_text()).status == "BROKEN_OFF"


def test_wrong_arguments(artifact: Path) -> None:
    with pytest.raises(UsageError, match="--threads must be at least 1"):
        plan([str(artifact)], threads=0)
    with pytest.raises(UsageError, match="unknown device 'rpi4'"):
        plan([str(artifact)], ["rpi4"])
    with pytest.raises(UsageError, match=r"delta \(0.01\) must be above tolerance \(0.02\)"):
        planned(artifact, baseline=TINY, tolerance=0.02, delta=0.01)


def test_nothing_is_measured_when_the_results_cannot_be_kept(artifact: Path, read_only: Path) -> None:
    with pytest.raises(ToolError, match="cannot write"):
        gate(planned(artifact, baseline=TINY / "tflite-fp32"), results_root=read_only / "results")
