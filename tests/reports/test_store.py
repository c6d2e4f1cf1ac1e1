from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import ToolError, UsageError
from edgekit.reports.store import load, load_all, render, save
from edgekit.types import Device, Measurement, OpTime

SAMPLE = Measurement.model_validate_json((Path(__file__).parent.parent / "data" / "report.json").read_text())
OPERATORS = (OpTime(name="a/conv", type="Conv", ns=3_000_000), OpTime(name="b/gemm", type="Gemm", ns=1_000_000))


def measured(**changes: Any) -> Measurement:
    return SAMPLE.model_copy(update=changes)


def test_a_report_comes_back_as_it_was(tmp_path: Path) -> None:
    measurement = measured(per_op=OPERATORS)
    path = save(tmp_path, measurement)
    assert path == tmp_path / "local" / "mobilenet_v2_1.0__tflite-int8__litert-cpu-t1.json"
    assert load(path) == measurement


def test_samples_take_few_lines_and_other_fields_one_each(tmp_path: Path) -> None:
    text = save(tmp_path, measured(samples_ns=tuple(range(10_000_000, 10_001_000)))).read_text()
    lines = text.splitlines()
    assert len(lines) < 180
    assert max(len(line) for line in lines) <= 120
    assert ' "load_ns": 30000000,' in lines
    assert text.endswith("}\n")


def test_an_older_report_of_the_same_key_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, measured())
    save(tmp_path, measured(load_ns=1))
    assert [m.load_ns for m in load_all(tmp_path)] == [1]


def test_all_reports_in_order(tmp_path: Path) -> None:
    for device in ("rpi5", "local"):
        for threads in (4, 1):
            save(tmp_path, measured(device=Device(id=device, transport="local"), threads=threads))
    found = [(m.device.id, m.threads) for m in load_all(tmp_path)]
    assert found == [("local", 1), ("local", 4), ("rpi5", 1), ("rpi5", 4)]
    assert load_all(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"schema_version": 1, "mod', "is not a report: Invalid JSON"),
        (b"", "is not a report: Invalid JSON"),
        (b"\xff\xfe", "is not a report: 'utf-8' codec"),
        (b"[]", "is not a report: Input should be an object"),
    ],
)
def test_a_damaged_report_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "local").mkdir()
    path = tmp_path / "local" / "x.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        load_all(tmp_path)
    assert str(path) in str(caught.value)
    assert "measure again" in caught.value.hint


@pytest.mark.parametrize(("key", "value"), [("schema_version", 2), ("samples_ns", ["fast"]), ("surprise", 1)])
def test_a_report_of_another_version_is_named_with_the_field(tmp_path: Path, key: str, value: object) -> None:
    path = save(tmp_path, measured())
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(UsageError, match=f"is not a report: {key}"):
        load(path)


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*x\.json: No such file"):
        load(tmp_path / "x.json")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "local").write_text("a file where the folder should be")
    with pytest.raises(ToolError, match="cannot write"):
        save(tmp_path, measured())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(), inner, max_size=8),
    max_leaves=60,
)


@given(json_values)
def test_rendering_keeps_the_value(value: object) -> None:
    assert json.loads(render(value)) == value
