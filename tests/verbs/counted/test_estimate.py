from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.base.progress import silent
from edgekit.catalog import profile_for
from edgekit.errors import ToolError, UsageError
from edgekit.verbs.counted import estimate as verb
from edgekit.verbs.counted.estimate import estimate, find_likeness


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a device that has a board, and one that has none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devices.toml").write_text(
        '[kitchen]\ntransport = "ssh"\naddress = "kitchen.local"\nboard = "rpi5"\n'
        '[cellar]\ntransport = "ssh"\naddress = "cellar.local"\n'
    )
    return tmp_path


def test_a_device_is_found_by_its_entry_its_kind_or_as_a_simulated_board(entries: Path) -> None:
    assert find_likeness("kitchen").board.name == "sim-rpi5"
    assert find_likeness("rpi4").board.name == "sim-rpi4"
    assert find_likeness("sim-a53").board.name == "sim-a53"
    assert find_likeness("virtual-rpi4").board.name == "sim-rpi4"
    for name, said in (("cellar", "what kind of board"), ("attic", "unknown device"), ("jetson_nano", "Cortex-A57")):
        with pytest.raises(UsageError, match=said):
            find_likeness(name)


def test_nothing_is_exported_where_nothing_can_be_counted(entries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No board, no model, no emulator: each is said before any work."""

    def never(*_: object) -> None:
        raise AssertionError("it exports")

    monkeypatch.setattr(verb, "export", never)
    profiles = [profile_for("tflite", "int8")]
    with pytest.raises(UsageError, match="unknown model"):
        estimate(["nosuch"], profiles, "rpi4", progress=silent)
    with pytest.raises(UsageError, match="what kind of board"):
        estimate(["mobilenet_v2"], profiles, "cellar", progress=silent)
    monkeypatch.setenv("EDGEKIT_QEMU", "no-such-emulator")
    with pytest.raises(ToolError, match="no-such-emulator"):
        estimate(["mobilenet_v2"], profiles, "rpi4", progress=silent)
