"""The index says what the files say, whatever becomes of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.base.clean import for_terminal
from edgekit.base.folders import index_folder
from edgekit.base.progress import Event, Warned
from edgekit.base.untrusted import read_text
from edgekit.reports.csv_file import measured
from edgekit.reports.indexed import database, reader
from edgekit.reports.indexed.database import index_path
from edgekit.reports.indexed.reader import read_cells, read_history, read_latest
from edgekit.reports.indexed.summaries import read_back, summarised, written
from edgekit.reports.store import history_path, load, save, sealed
from edgekit.types import Measurement, Pinning, Revision

SAMPLE = load(Path(__file__).parent.parent.parent / "data" / "report_v1.json")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(reader, "SETTLED_NS", 0)  # else files of this moment are read again each time


def of(model: str, **changes: object) -> Measurement:
    return SAMPLE.model_copy(update={"model": model, **changes})


def opened_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose text is read from now on."""
    seen: list[str] = []
    monkeypatch.setattr(reader, "read_text", lambda path, *a, **k: seen.append(path.name) or read_text(path, *a, **k))
    return seen


def models(root: Path) -> list[str]:
    return [one.measurement.model for one in read_latest(root)[0]]


def test_a_summary_is_written_and_read_back() -> None:
    changed = of("a", pinned=Pinning(asked="big", cpus=(0, 1)), revision=Revision(commit="ab" * 20, dirty=True))
    for m in (SAMPLE, changed):
        assert read_back(written(summarised(m))) == summarised(m)
        assert summarised(m).key == m.key
        assert summarised(m).moment == m.moment


def test_only_what_is_new_or_changed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [save(tmp_path, of(model)) for model in ("a", "b", "c")]
    assert models(tmp_path) == ["a", "b", "c"]
    seen = opened_files(monkeypatch)
    assert models(tmp_path) == ["a", "b", "c"]
    assert seen == []
    added = save(tmp_path, of("d"))
    paths[0].unlink()
    assert models(tmp_path) == ["b", "c", "d"]
    assert seen == [added.name]
    assert len(read_history(tmp_path)[0]) == 4
    assert not {path.name for path in paths} & set(seen)


def test_a_file_changed_by_hand_is_seen_though_its_size_and_time_stay(tmp_path: Path) -> None:
    path = save(tmp_path, of("a"))
    assert models(tmp_path) == ["a"]
    before = path.stat()
    path.write_text(path.read_text().replace('"profile": "tflite-int8"', '"profile": "tflite-int9"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    found, damaged = read_latest(tmp_path)
    assert found == []
    assert "the content was changed after it was measured" in str(damaged[0].error)
    assert damaged[0].error.hint


def test_a_file_that_may_still_be_written_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "SETTLED_NS", 3600 * 10**9)
    path = save(tmp_path, of("a"))
    assert models(tmp_path) == ["a"]
    seen = opened_files(monkeypatch)
    assert models(tmp_path) == ["a"]
    assert seen == [path.name]


def test_errors_are_kept_and_name_the_path_as_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "reports", of("a"))
    path.with_name("x.json").write_text("{")
    (path.parent / "folder.json").mkdir()
    os.mkfifo(path.with_name("pipe.json"))
    path.with_name("nowhere.json").symlink_to("none")
    names = ["folder.json", "nowhere.json", "pipe.json", "x.json"]
    assert [one.path.name for one in read_latest(tmp_path / "reports")[1]] == names
    monkeypatch.chdir(tmp_path)
    _, damaged = read_latest(Path("reports"))
    assert [one.path.name for one in damaged] == names
    assert str(damaged[-1].error).startswith("reports/local/x.json is not a report: ")


def test_the_same_measurement_counts_once_and_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, of("a"))
    parsed: list[Path] = []
    parse_file = reader.parse_file
    monkeypatch.setattr(reader, "parse_file", lambda path, text: parsed.append(path) or parse_file(path, text))
    found, _ = read_history(tmp_path)
    assert [one.path.parent.parent.name for one in found] == ["history"]
    assert len(parsed) == 1


def spoil(path: Path, how: str) -> None:
    """What may happen to an index."""
    if how == "garbage":
        path.write_bytes(b"no database" * 100)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "gone":
        path.unlink()
    else:
        with sqlite3.connect(path) as connection:
            connection.execute(how)


@pytest.mark.parametrize(
    "how",
    [
        *("garbage", "cut", "empty", "gone"),
        "DROP TABLE contents",
        "DELETE FROM contents",
        "UPDATE contents SET summary = replace(summary, '\"a\"', '\"z\"')",
        "UPDATE contents SET summary = '[]', crc = 0",
        "UPDATE files SET mtime_ns = 'x'",
        "ALTER TABLE files DROP COLUMN hint",
        "PRAGMA user_version = 1",
    ],
)
def test_an_index_that_is_spoilt_is_made_anew(tmp_path: Path, how: str) -> None:
    root = tmp_path / "reports"
    for model in ("a", "b"):
        save(root, of(model))
    assert models(root) == ["a", "b"]
    spoil(index_path(root), how)
    told: list[Event] = []
    found, damaged = read_latest(root, told.append)
    assert [one.measurement.model for one in found] == ["a", "b"]
    assert damaged == []
    assert not any(isinstance(event, Warned) for event in told)
    assert models(root) == ["a", "b"]


def test_without_an_index_the_files_are_read_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "reports"
    save(root, of("a"))
    index_folder().parent.mkdir()
    index_folder().write_text("a file where the folder is to be")
    told: list[Event] = []
    assert len(read_latest(root, told.append)[0]) == 1
    (event,) = [event for event in told if isinstance(event, Warned)]
    assert "cannot be used" in str(event)
    assert len(read_history(root)[0]) == 1


def test_an_index_that_another_process_holds_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_S", 0.1)
    root = tmp_path / "reports"
    save(root, of("a"))
    assert models(root) == ["a"]
    save(root, of("b"))
    holder = sqlite3.connect(index_path(root), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    told: list[Event] = []
    assert [one.measurement.model for one in read_latest(root, told.append)[0]] == ["a", "b"]
    assert "locked" in str(told[0])
    holder.close()


def test_two_processes_at_once_make_one_index(tmp_path: Path) -> None:
    root = tmp_path / "reports"
    for number in range(30):
        m = of(f"net_{number}")
        path = history_path(root, m)
        path.parent.mkdir(parents=True)
        path.write_text(sealed(m))
    program = (
        "import sys; from pathlib import Path; from edgekit.reports.indexed import reader; reader.BATCH = 2\n"
        "print(len(reader.read_history(Path(sys.argv[1]))[0]))"
    )
    command = [sys.executable, "-c", program, str(root)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [child.communicate(timeout=120)[0].strip() for child in children] == ["30", "30"]
    assert len(list(index_folder().glob("*.db"))) == 1


def test_indexes_of_other_code_go_and_those_of_other_folders_stay(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for root in (one, other):
        save(root, of("a"))
        models(root)
    mine = index_path(one)
    old = mine.with_name(f"{mine.name.partition('-')[0]}-00000000.db")
    mine.rename(old)
    assert models(one) == ["a"]
    assert sorted(index_folder().glob("*.db")) == sorted([mine, index_path(other)])


def test_what_is_forgotten_takes_no_room(tmp_path: Path) -> None:
    save(tmp_path / "reports", of("a"))
    models(tmp_path / "reports")
    shutil.rmtree(tmp_path / "reports" / SAMPLE.device.id)
    assert models(tmp_path / "reports") == []
    with sqlite3.connect(index_path(tmp_path / "reports")) as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (0,)


def test_the_cells_of_the_csv_are_kept(tmp_path: Path) -> None:
    path = save(tmp_path, of("a"))
    assert read_cells(tmp_path, [path]) == {path: measured(of("a"))}
    assert read_cells(tmp_path, []) == {}


def test_many_new_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MANY", 1)
    for model in ("a", "b"):
        save(tmp_path, of(model))
    told: list[Event] = []
    read_latest(tmp_path, told.append)
    assert "2 measurements are new to the index" in str(next(event for event in told if isinstance(event, Warned)))


def test_names_and_texts_that_are_no_unicode_are_damaged_files_and_no_more(tmp_path: Path) -> None:
    path = save(tmp_path, of("a"))
    (path.parent / os.fsdecode(b"caf\xe9.json")).write_text("{")
    path.with_name("key.json").write_text('{"schema_version": 2, "\\ud800": 1}')
    for _ in range(2):
        found, damaged = read_latest(tmp_path)
        assert [one.measurement.model for one in found] == ["a"]
        assert sorted(os.fsencode(one.path.name) for one in damaged) == [b"caf\xe9.json", b"key.json"]
        assert all(for_terminal(str(one.error)).isprintable() for one in damaged)
