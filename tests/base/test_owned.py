"""A folder that edgekit did not make is not replaced."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.base.files import staged_folder
from edgekit.base.owned import MARK, check_replaceable
from edgekit.errors import UsageError

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32"


def put(final: Path, text: str) -> None:
    """What every writer of a folder does."""
    with staged_folder(final) as folder:
        (folder / "file").write_text(text)


def test_what_edgekit_made_is_marked_and_replaced(tmp_path: Path) -> None:
    final = tmp_path / "profile"
    for text in ("old", "new"):
        put(final, text)
        assert (final / MARK).is_file()
    assert (final / "file").read_text() == "new"


def test_an_artifact_from_before_there_was_a_mark_is_replaced(tmp_path: Path) -> None:
    final = shutil.copytree(TINY, tmp_path / "profile")
    assert not (final / MARK).exists()
    put(final, "new")
    assert (final / "file").read_text() == "new"
    assert not (final / "manifest.json").exists()


def test_an_empty_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir()
    put(tmp_path / "profile", "new")


@pytest.mark.parametrize(
    "manifest",
    [None, "{}", "[]", "[" * 100_000, "\xff", '{"schema_version": 1, "model": "m", "profile": "p", "files": []}'],
)
def test_a_folder_of_somebody_else_stays_and_the_error_says_what_stands_there(
    tmp_path: Path, manifest: str | None
) -> None:
    final = tmp_path / "precious"
    final.mkdir()
    (final / "thesis.txt").write_text("years of work")
    if manifest is not None:
        (final / "manifest.json").write_text(manifest, encoding="latin-1")  # other programs have one too
    told = pytest.raises(UsageError, match=r"precious is a folder that edgekit did not make.*thesis\.txt")
    with told, staged_folder(final):
        pytest.fail("found before the work")
    assert (final / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_folder_that_appears_during_the_work_stays(tmp_path: Path) -> None:
    final = tmp_path / "profile"

    def work() -> None:
        with staged_folder(final):
            final.mkdir()
            (final / "thesis.txt").write_text("years of work")

    with pytest.raises(UsageError, match="edgekit did not make"):
        work()
    assert [path.name for path in final.iterdir()] == ["thesis.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["profile"]


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"file{number}").touch()
    with pytest.raises(UsageError, match="'file4' and 4 more"):
        check_replaceable(tmp_path)


@pytest.mark.parametrize("meanwhile", ["gone", "gone, then another", "half removed, then another"])
def test_a_folder_that_another_writer_replaces_while_it_is_looked_at(
    tmp_path: Path, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = tmp_path / "profile"
    put(final, "old")
    looked = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        monkeypatch.undo()
        aside = final.rename(tmp_path / "aside")
        if meanwhile.startswith("half removed"):
            (aside / MARK).unlink()
        if meanwhile.endswith("another"):
            put(final, "new")
        return looked(aside if meanwhile.startswith("half removed") else path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    check_replaceable(final)
    assert looked is Path.iterdir, "the folder was looked at"
    assert final.exists() == meanwhile.endswith("another")
