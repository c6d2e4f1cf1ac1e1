from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.errors import UsageError
from edgekit.gate.config import GateConfig, read_config, rule_for
from edgekit.types import Device, GateRule

RPI = Device(id="rpi4", transport="ssh", address="rpi4")
PHONE = Device(id="phone", transport="adb", address="28241FDH2001AB")


def read(tmp_path: Path, text: str) -> GateConfig:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    return read_config(path, {"tiny"})


def test_the_most_special_table_wins_key_by_key(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
[default]
tolerance = 0.02
min_s = 0.5
[models.tiny]
tolerance = 0.03
[devices.rpi4]
sentinel = 1.3
load = 2.5
[devices.rpi4.models.tiny]
tolerance = 0.04
delta = 0.05
max_s = 9.0
warmup_s = 0.1
""",
    )
    rule, limits, guards = rule_for(config, RPI, "tiny")
    assert (rule.tolerance, rule.delta) == (0.04, 0.05)
    assert (limits.min_s, limits.max_s, limits.warmup_min_s) == (0.5, 9.0, 0.1)
    assert (guards.sentinel, guards.load) == (1.3, 2.5)
    assert rule_for(config, RPI, "other")[0].tolerance == 0.02
    assert rule_for(config, PHONE, "tiny")[0].tolerance == 0.03
    assert rule_for(config, PHONE, "tiny")[2].sentinel == 1.10


def test_defaults_and_the_command_line() -> None:
    nothing = GateConfig()
    assert rule_for(nothing, RPI, "tiny")[0] == GateRule(tolerance=0.01, delta=0.03)
    assert rule_for(nothing, PHONE, "tiny")[0] == GateRule(tolerance=0.02, delta=0.06)
    given = rule_for(nothing, RPI, "tiny", tolerance=0.05)[0]
    assert (given.tolerance, given.delta) == (0.05, pytest.approx(0.07))
    assert rule_for(nothing, RPI, "tiny", delta=0.2)[0].delta == 0.2


def test_a_special_tolerance_does_not_meet_a_general_delta(tmp_path: Path) -> None:
    config = read(tmp_path, "[default]\ntolerance = 0.01\ndelta = 0.02\n[models.tiny]\ntolerance = 0.05\n")
    assert rule_for(config, RPI, "tiny")[0].delta == pytest.approx(0.07)
    assert rule_for(config, RPI, "other")[0].delta == 0.02
    assert rule_for(config, RPI, "other", tolerance=0.1)[0].delta == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[default]\ntolerence = 0.1\n", "unknown key 'default.tolerence'", "did you mean tolerance"),
        ("[devices.rpi4]\nmodel = 1\n", "unknown key 'devices.rpi4.model'", "did you mean models"),
        ("[device.rpi4]\n", "unknown key 'device'", "did you mean devices"),
        ("[default]\ntolerance = -1\n", "greater than or equal to 0", "correct it"),
        ('[default]\ntolerance = "1 %"\n', "default.tolerance", "correct it"),
        ("[default\n", "is not valid TOML", "correct that line"),
        ('[models."mobilnet_v2_1.0"]\n', "unknown model 'mobilnet_v2_1.0'", "did you mean mobilenet_v2_1.0"),
        ("[devices.rpi4.models.nobody]\n", "unknown model 'nobody'", ""),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[default]\ntolerance = 0.05\ndelta = 0.04\n", r"delta \(0.04\) must be above tolerance \(0.05\)"),
        ("[default]\nmin_s = 9.0\n", r"min_s \(9\) is above max_s \(5\)"),
    ],
)
def test_values_that_do_not_go_together(tmp_path: Path, text: str, message: str) -> None:
    config = read(tmp_path, text)
    with pytest.raises(UsageError, match=message):
        rule_for(config, RPI, "tiny")


@pytest.mark.parametrize("key", ["warmup_s", "min_s", "max_s"])
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e300", "0"])
def test_times_are_finite(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(UsageError, match=rf"gate\.toml: default\.{key}: "):
        read(tmp_path, f"[default]\n{key} = {value}\n")


def test_no_file_is_no_mistake_but_a_missing_named_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_config(None, set()) == GateConfig()
    with pytest.raises(UsageError, match="cannot read"):
        read_config(Path("nowhere.toml"), set())
    Path("gate.toml").write_text("[default]\ntolerance = 0.07\n")
    assert read_config(None, set()).default.tolerance == 0.07
