from __future__ import annotations

from pathlib import Path

from edgekit.agent.reading import known, read_int, read_text


def test_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert read_text(str(tmp_path / "missing")) is None
    (tmp_path / "temp").write_text("not a number\n")
    assert read_int(str(tmp_path / "temp")) is None
    assert known({"cpu0": None}) is None
