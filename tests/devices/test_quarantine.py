from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit.base.folders import quarantine_folder
from edgekit.base.progress import silent
from edgekit.devices.quarantine import admit, file_of, lift, quarantine, quarantined
from edgekit.errors import ToolError
from edgekit.types import Device

BOARD = Device(id="rpi4", transport="ssh", address="10.0.0.4", user="pi")


def test_kept_out_until_it_is_lifted(heard: Any) -> None:
    assert quarantined(BOARD) is None
    admit(BOARD, False, silent)
    first = quarantine(BOARD, ("temperature: 91 °C",))
    again = quarantine(BOARD, ("throttle flags: under-voltage", "temperature: 91 °C"))
    assert again.since == first.since
    assert quarantined(BOARD) == again
    with pytest.raises(
        ToolError, match=r"rpi4 is quarantined since 20.*: throttle flags: under-voltage; temp"
    ) as caught:
        admit(BOARD, False, heard)
    assert caught.value.exit_code == 3
    assert "edgekit devices check rpi4" in caught.value.hint
    assert "--force" in caught.value.hint
    assert heard.lines == []
    admit(BOARD, True, heard)
    assert heard.lines == [f"rpi4 is quarantined {again.words}; measuring nevertheless, as --force says"]
    assert lift(BOARD) == again
    assert lift(BOARD) is None
    admit(BOARD, False, silent)


@pytest.mark.parametrize("change", [{"address": "10.0.0.5"}, {"user": None}, {"port": 22}])
def test_another_device_of_the_same_name_is_not_meant(change: dict[str, Any]) -> None:
    quarantine(BOARD, ("x",))
    assert quarantined(BOARD.model_copy(update=change)) is None
    assert quarantined(BOARD.model_copy(update={"board": "rpi4", "tags": ("lab",)})) is not None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"device": 1}', b"[" * 100_000])
def test_a_damaged_file_keeps_it_out(content: bytes) -> None:
    quarantine(BOARD, ("x",))
    file_of(BOARD).write_bytes(content)
    with pytest.raises(ToolError, match=r"since an unknown time: .* cannot be read"):
        admit(BOARD, False, silent)
    assert lift(BOARD) is not None
    assert list(quarantine_folder().iterdir()) == []


def test_each_cache_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quarantine(BOARD, ("x",))
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "other"))
    assert quarantined(BOARD) is None
