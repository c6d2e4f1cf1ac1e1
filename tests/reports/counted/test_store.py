from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.errors import UsageError
from edgekit.reports.counted.store import count_path, load_count, save_count, stored_counts
from edgekit.types import Counted


def test_what_is_saved_is_read_back(make_counted: Callable[..., Counted], tmp_path: Path) -> None:
    one = make_counted()
    path = save_count(tmp_path, one)
    assert path == tmp_path / "sim-rpi4" / "counted" / "small__tflite-int8__litert-cpu-t1.json"
    assert load_count(path) == one
    assert stored_counts(tmp_path) == [path]
    assert stored_counts(tmp_path / "nowhere") == []


def test_a_change_by_hand_is_noticed(make_counted: Callable[..., Counted], tmp_path: Path) -> None:
    path = save_count(tmp_path, make_counted())
    plain = json.loads(path.read_text())
    plain["counts"]["instructions"] -= 1
    path.write_text(json.dumps(plain))
    with pytest.raises(UsageError, match="changed after it was counted"):
        load_count(path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kind": "counted"}', "[" * 100_000, '{"model": NaN}'])
def test_what_is_no_count_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="holds no counts"):
        load_count(path)


def test_a_name_leads_nowhere_else(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        count_path(tmp_path, "..", "../../x")
