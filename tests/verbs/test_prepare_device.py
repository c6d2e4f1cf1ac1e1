from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.progress import silent
from edgekit.bench.session import Limits
from edgekit.devices.entries import read_entries
from edgekit.devices.wheels import Machine
from edgekit.errors import ToolError, UsageError
from edgekit.verbs.devices import add_device, check_device
from edgekit.verbs.prepare_device import prepare_device
from edgekit.verbs.profile import profile

TINY = Path(__file__).parent.parent / "data" / "artifacts"


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    """An empty project and user folder."""
    return empty_project


@pytest.mark.network
@pytest.mark.slow
def test_a_board_without_runtimes_gets_them_and_measures(
    ssh_board: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    venv = str(tmp_path / "there" / "venv")
    # Its system Python has nothing but the standard library; and it is a Host alias, so there is no entry yet.
    add_device("board", "board", python="/usr/bin/python3", tags=["lab"])
    said = prepare_device("board", silent, ["litert"], venv)
    assert "ai-edge-litert" in said
    entry = read_entries()["board"][0]
    assert entry.python == f"{venv}/bin/python"
    assert entry.tags == ("lab",)
    checks = {check.name: check.status for check in check_device("board", silent).checks}
    assert checks["litert"] == "ok"
    assert checks["onnxruntime"] == "warning"
    limits = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0, target_half_width=1.0)
    outcome = profile([str(TINY / "tiny" / "tflite-fp32")], "board", limits=limits,
                      reports_root=tmp_path / "reports")  # fmt: skip
    outcome.raise_failures()
    assert outcome.measurements[0].runtime == "litert"
    # Once more: it is brought up to date in place, and the entry stays.
    prepare_device("board", silent, ["litert"], venv)
    assert read_entries()["board"][0] == entry


def test_nothing_is_written_when_it_fails(
    ssh_board: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, project: Path
) -> None:
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(ssh_board.config))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    add_device("board", "board", python=sys.executable)
    before = (project / "devices.toml").read_text()
    with pytest.raises(ToolError, match=r"no numpy for Python 3\.\d+ on \w+: ERROR"):
        prepare_device("board", silent, ["litert"], str(tmp_path / "venv"))
    assert (project / "devices.toml").read_text() == before
    assert not (tmp_path / "venv").exists()


def test_what_cannot_be_prepared() -> None:
    with pytest.raises(UsageError, match="local is reached by local"):
        prepare_device("local", silent)
    with pytest.raises(UsageError, match="unknown runtime 'ncnn'"):
        prepare_device("virtual-rpi4", silent, ["ncnn"])


def test_platforms_follow_the_c_library() -> None:
    tags = Machine("3.9", "aarch64", "2.19").platforms
    assert tags == [
        "manylinux_2_19_aarch64", "manylinux_2_18_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64",
        "linux_aarch64",
    ]  # fmt: skip
    with pytest.raises(ToolError, match="glibc of an unknown version"):
        _ = Machine("3.9", "aarch64", "").platforms
