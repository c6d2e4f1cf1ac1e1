from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.progress import silent
from edgekit.bench.session import Limits
from edgekit.catalog import profile_for
from edgekit.errors import ToolError, UsageError
from edgekit.verbs.counted import validate as verb
from edgekit.verbs.counted.validate import validate
from edgekit.verbs.devices import add_device

LIMITS = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0)


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    """An empty project and user folder."""
    return empty_project


def test_what_a_clock_measures_behind_ssh_stands_beside_the_counts(
    counting: None, ssh_board: Any, tiny: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real sshd, behind which this machine says to be a Pi 4: the clock is its own, the counts are a Cortex-A72's."""
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    add_device("kitchen", "board", board="rpi4", python=sys.executable)
    folders = [str(tiny / "tflite-fp32"), str(tiny / "tflite-int8")]
    run = validate(folders, [], "kitchen", limits=LIMITS, progress=silent)
    assert run.failures == []
    found = run.found
    assert (found.board, found.core, found.clock_mhz, found.emulated) == ("rpi4", "cortex-a72", 1800, False)
    assert [row.profile for row in found.rows] == ["tflite-fp32", "tflite-int8"]
    for row in found.rows:
        assert row.samples >= 1
        assert row.estimated_ms == pytest.approx(row.cycles / 1800e3)
        assert row.ratio == pytest.approx(row.estimated_ms / row.p50_ms)
    said = found.model_dump_json()
    for private in ("kitchen", "127.0.0.1", str(project)):
        assert private not in said
    assert list(project.iterdir()) == [project / "devices.toml"]


def test_what_cannot_be_validated_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it works")

    monkeypatch.setattr(verb, "export", never)
    monkeypatch.setattr(verb, "profile", never)
    profiles = [profile_for("tflite", "int8")]
    for names, device, said in (
        (["nosuch"], "local", "unknown model"),
        (["mobilenet_v2"], "sim-rpi4", "nothing can be timed"),
        (["mobilenet_v2"], "local", "what kind of board local is"),
        (["mobilenet_v2"], "attic", "unknown device"),
    ):
        with pytest.raises(UsageError, match=said):
            validate(names, profiles, device, progress=silent)


def test_a_board_that_is_not_there_is_noticed_before_the_exports(
    counting: None, ssh_board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server has ended: nothing was exported for it."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it exports")

    monkeypatch.setattr(verb, "export", never)
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    add_device("kitchen", "127.0.0.1:9", board="rpi4")
    with pytest.raises(ToolError):
        validate(["mobilenet_v2"], [profile_for("tflite", "int8")], "kitchen", progress=silent)
