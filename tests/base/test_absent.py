from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.base.absent import is_absent_file, no_file
from edgekit.catalog import cards

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_can_only_be_a_file_that_is_not_there(tmp_path: Path) -> None:
    there = tmp_path / "net.onnx"
    there.touch()
    assert not is_absent_file(str(there))
    assert is_absent_file(str(tmp_path / "nett.onnx"))
    assert is_absent_file("NET.TFLITE")
    assert not is_absent_file("mobilenet_v2")
    for card in cards().values():
        assert not any(map(is_absent_file, (card.id, *card.aliases)))


def test_what_lies_nearest_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert no_file("net.onnx").hint == "list what is there: ls ."
    (tmp_path / "nett.onnx").touch()
    (tmp_path / "net.tflite").touch()
    found = no_file("net.onnx")
    assert (str(found), found.hint) == ("there is no file net.onnx", "did you mean nett.onnx?")
    assert str(no_file("no/where.onnx")) == "there is no file no/where.onnx: there is no folder no"
