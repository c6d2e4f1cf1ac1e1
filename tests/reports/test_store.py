from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edgekit.errors import UsageError
from edgekit.reports.indexed.reader import read_history, read_latest
from edgekit.reports.json_text import render
from edgekit.reports.store import (
    digest,
    history_path,
    load,
    parse,
    report_path,
    save,
    sealed,
)
from edgekit.reports.versions import CURRENT, STEPS
from edgekit.types import Device, Measurement, OpTime

SAMPLE = Measurement.model_validate_json((Path(__file__).parent.parent / "data" / "report.json").read_text())
V1 = Path(__file__).parent.parent / "data" / "report_v1.json"
OPERATORS = (OpTime(name="a/conv", type="Conv", ns=3_000_000), OpTime(name="b/gemm", type="Gemm", ns=1_000_000))


def load_all(root: Path) -> list[Measurement]:
    found, damaged = read_latest(root)
    assert damaged == []
    return [load(one.path) for one in found]


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
    assert len(lines) < 200
    assert max(len(line) for line in lines) <= 120
    assert ' "load_ns": 30000000,' in lines
    assert text.endswith("}\n")


def test_the_latest_takes_the_place_of_an_older_one_which_stays_in_the_history(tmp_path: Path) -> None:
    older = measured(load_ns=1, measured_at="2026-01-01T00:00:00+00:00")
    newer = measured(load_ns=2, measured_at="2026-01-02T00:00:00+00:00")
    save(tmp_path, older)
    save(tmp_path, newer)
    assert [m.load_ns for m in load_all(tmp_path)] == [2]
    found, damaged = read_history(tmp_path)
    assert [load(one.path) for one in found] == [older, newer]
    assert [one.path for one in found] == [history_path(tmp_path, older), history_path(tmp_path, newer)]
    assert damaged == []


def test_two_measurements_of_one_second_are_both_kept(tmp_path: Path) -> None:
    for load_ns in (1, 2, 2):
        save(tmp_path, measured(load_ns=load_ns))
    assert sorted(load(one.path).load_ns for one in read_history(tmp_path)[0]) == [1, 2]


def test_a_report_from_before_the_history_enters_it_when_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "local" / f"{SAMPLE.key}.json"
    path.parent.mkdir()
    path.write_bytes(V1.read_bytes())
    assert [one.path for one in read_history(tmp_path)[0]] == [path]
    save(tmp_path, measured(load_ns=1, measured_at="2026-02-01T00:00:00+00:00"))
    assert [load(one.path).load_ns for one in read_history(tmp_path)[0]] == [SAMPLE.load_ns, 1]


def test_a_damaged_report_is_not_replaced(tmp_path: Path) -> None:
    path = save(tmp_path, measured(load_ns=1))
    path.write_text("{")
    with pytest.raises(UsageError, match="was not replaced, the new measurement is") as caught:
        save(tmp_path, measured(load_ns=2))
    assert path.read_text() == "{"
    assert load(Path(str(caught.value).rsplit(" ", 1)[1])).load_ns == 2


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
        load(path)
    assert str(path) in str(caught.value)
    assert "measure again" in caught.value.hint


BAD = [
    ("schema_version", 3, "schema_version: written by a newer edgekit, version 3"),
    ("schema_version", 0, "schema_version: a version from 1 to 2 is expected, found 0"),
    ("schema_version", "2", "schema_version: a version from 1 to 2 is expected, found '2'"),
    ("samples_ns", ["fast"], r"samples_ns\.0: .* \(value: 'fast'\)"),
    ("samples_ns", [], "samples_ns: .* at least 1 item"),
    ("samples_ns", [10, -5], r"samples_ns\.1: .* greater than 0 \(value: -5\)"),
    ("samples_ns", [float("nan")], r"samples_ns\.0: "),
    ("parity_cosine", float("nan"), r"parity_cosine: Input should be a finite number \(value: nan\)"),
    ("threads", 0, "threads: "),
    ("measured_at", "yesterday", "measured_at: "),
    ("measured_at", "2026-01-01T00:00:00", "measured_at: .*zone"),
    ("surprise", 1, "surprise: Extra inputs"),
    ("load_ns", 31_000_000, "digest: the content was changed after it was measured"),
    ("digest", None, "digest: the key is missing"),
]


@pytest.mark.parametrize(("key", "value", "message"), BAD)
def test_a_changed_report_is_named_with_the_field_and_hides_no_other(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    save(tmp_path, measured(threads=4))
    path = save(tmp_path, measured())
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(UsageError, match=f"is not a report: {message}") as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint
    found, damaged = read_latest(tmp_path)
    assert [one.measurement.threads for one in found] == [4]
    assert [one.path for one in damaged] == [path]


def test_a_report_as_version_1_wrote_it_is_read_and_written_anew(tmp_path: Path) -> None:
    old = json.loads(V1.read_text())
    assert old["schema_version"] == 1
    assert "digest" not in old
    measurement = load(V1)
    assert measurement == SAMPLE
    assert measurement.revision is None
    assert json.loads(save(tmp_path, measurement).read_text())["schema_version"] == 2


def test_every_older_version_has_its_step() -> None:
    assert sorted(STEPS) == list(range(1, CURRENT))
    assert Measurement.model_fields["schema_version"].default == CURRENT


def test_the_digest_does_not_mind_the_layout(tmp_path: Path) -> None:
    path = save(tmp_path, measured())
    content = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(content.items())), indent=4))
    assert load(path) == SAMPLE


def test_a_report_without_a_field_that_came_later_keeps_its_digest(tmp_path: Path) -> None:
    plain = SAMPLE.to_plain()
    del plain["revision"]
    path = report_path(tmp_path, SAMPLE)
    path.parent.mkdir()
    path.write_text(json.dumps({**plain, "digest": digest(plain)}))
    assert load(path) == SAMPLE
    save(tmp_path, measured())
    assert len(read_history(tmp_path)[0]) == 1


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_text_does_more_than_raise_an_error(text: str) -> None:
    with pytest.raises((UsageError, ValidationError)):
        parse(text)


@given(st.integers(0, 10_000), st.characters(codec="ascii"))
def test_a_changed_character_is_noticed_or_changes_nothing(position: int, character: str) -> None:
    text = sealed(SAMPLE)
    position %= len(text)
    try:
        found = parse(text[:position] + character + text[position + 1 :])
    except (UsageError, ValidationError):
        return
    assert found == SAMPLE


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*x\.json: No such file"):
        load(tmp_path / "x.json")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "local").write_text("a file where the folder should be")
    with pytest.raises(UsageError, match=r"local is a file where a folder is to be"):
        save(tmp_path, measured())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(), inner, max_size=8),
    max_leaves=60,
)


@given(json_values)
def test_rendering_keeps_the_value(value: object) -> None:
    assert json.loads(render(value)) == value


@pytest.mark.parametrize("name", ["../../../escaped", "/tmp/escaped", "a/b"])
@pytest.mark.parametrize("field", ["model", "profile", "device"])
def test_nothing_is_written_outside_of_the_folder(make, tmp_path, field, name):
    measurement = make()
    value = measurement.device.model_copy(update={"id": name}) if field == "device" else name
    with pytest.raises(UsageError, match="the path of a measurement"):
        save(tmp_path / "a" / "b", measurement.model_copy(update={field: value}))  # no type has looked at it
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_a_device_is_not_followed(make, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "local").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link that leads out of"):
        save(tmp_path / "reports", make())
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_at_the_end_of_the_calendar_is_refused(tmp_path: Path, moment: str) -> None:
    """It has no other zone: whoever shows it in one would fail."""
    plain = {**measured().to_plain(), "measured_at": moment}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**plain, "digest": digest(plain)}))
    with pytest.raises(UsageError, match="measured_at: a time is of the years 1970 to 2999"):
        load(path)
