"""The fixed performance mode, with the emulated phone's own ``cmd`` run by this machine's shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.devices.phone.performance import fixed_performance
from edgekit.devices.virtual.phone_files import CMD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "local" / "tmp").mkdir(parents=True)
    (tmp_path / "cmd").write_text(CMD)
    (tmp_path / "cmd").chmod(0o755)
    return tmp_path / "local" / "tmp"


def way(tmp_path: Path) -> list[str]:
    return ["env", f"PATH={tmp_path}:/usr/bin:/bin", f"ANDROID_DATA={tmp_path}", "sh", "-c"]


def test_it_is_on_inside_and_off_after_a_failure(folder: Path, tmp_path: Path) -> None:
    log = folder / "fixed-performance"
    with pytest.raises(ValueError, match="failed"), fixed_performance(way(tmp_path)) as mode:  # noqa: PT012
        assert (mode, log.read_text()) == ("on", "true\n")
        raise ValueError("the run failed")
    assert log.read_text() == "true\nfalse\n"


def test_a_refusal_is_said(folder: Path, tmp_path: Path) -> None:
    (folder / "no-power-hal").touch()
    with fixed_performance(way(tmp_path)) as mode:
        assert mode.startswith("refused: Failed to set FIXED_PERFORMANCE mode This is likely because")


def test_a_phone_without_the_command(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cmd").unlink()
    with fixed_performance(way(tmp_path)) as mode:
        assert mode.startswith("refused: ")
        assert "not found" in mode
