"""A folder appears whole or not at all, through links as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.base.files import (
    STAGING,
    restore,
    staged_folder,
)
from edgekit.base.owned import MARK
from edgekit.errors import ToolError, UsageError
from tests.base.staging import names, stepped_aside

# A folder


def test_folder_appears_at_the_end(tmp_path):
    final = tmp_path / "model" / "profile"
    with staged_folder(final) as folder:
        (folder / "file").write_text("new")
        assert folder.parent == final.parent
        assert not final.exists()
    assert names(final) == ["file"]
    assert names(final.parent) == ["profile"]
    assert final.stat().st_mode & 0o777 == 0o755


def test_folder_is_replaced_as_a_whole(tmp_path):
    final = tmp_path / "profile"
    for name in ("old", "new"):
        with staged_folder(final) as folder:
            (folder / name).write_text(name)
    assert names(final) == ["new"]
    assert names(tmp_path) == ["profile"]


@pytest.mark.parametrize("error", [ToolError("broken"), KeyboardInterrupt(), SystemExit(143), OSError(28, "full")])
@pytest.mark.parametrize("had_old", [False, True])
def test_exception_leaves_nothing_and_keeps_the_old_folder(tmp_path, error, had_old):
    final = tmp_path / "profile"
    if had_old:
        final.mkdir()
        (final / "old").write_text("old")
        (final / MARK).touch()

    def work() -> None:
        with staged_folder(final) as folder:
            (folder / "half").write_text("half")
            raise error

    with pytest.raises(type(error)):
        work()
    assert names(tmp_path) == (["profile"] if had_old else [])
    assert not had_old or names(final) == ["old"]


def test_full_disk_leaves_nothing(small_disk):
    final = small_disk / "profile"
    with staged_folder(final) as folder:
        (folder / "old").write_text("old")
    with pytest.raises(OSError, match="No space left"), staged_folder(final) as folder:
        (folder / "big").write_bytes(bytes(1_000_000))
    assert names(small_disk) == ["profile"]
    assert names(final) == ["old"]


# Links


def test_a_link_in_the_place_of_the_folder_stays_a_link(tmp_path):
    (tmp_path / "disk" / "kept").mkdir(parents=True)
    (tmp_path / "disk" / "kept" / "old").write_text("old")
    (tmp_path / "disk" / "kept" / MARK).touch()
    final = tmp_path / "profile"
    final.symlink_to("disk/kept")
    with staged_folder(final) as folder:
        (folder / "new").write_text("new")
    assert final.is_symlink()
    assert names(final) == names(tmp_path / "disk" / "kept") == ["new"]
    assert names(tmp_path / "disk") == ["kept"]
    assert names(tmp_path) == ["disk", "profile"]


def test_a_link_whose_target_is_missing_gets_one(tmp_path):
    final = tmp_path / "profile"
    final.symlink_to(tmp_path / "disk" / "kept")
    with staged_folder(final) as folder:
        (folder / "new").write_text("new")
    assert final.is_symlink()
    assert names(tmp_path / "disk" / "kept") == ["new"]


def test_what_stepped_aside_behind_a_link_comes_back(tmp_path):
    (tmp_path / "disk").mkdir()
    place = stepped_aside(tmp_path / "disk")
    (tmp_path / "link").symlink_to(place)
    assert (restore(tmp_path / "link") / "word").read_text() == "old"


def test_a_link_to_a_file_or_to_itself_is_refused(tmp_path):
    (tmp_path / "file").write_text("precious")
    (tmp_path / "to-file").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="is a file where a folder is to be"), staged_folder(tmp_path / "to-file"):
        pytest.fail("the block must not run")
    with pytest.raises(UsageError, match="is a link that leads to itself"), staged_folder(tmp_path / "loop"):
        pytest.fail("the block must not run")
    assert names(tmp_path) == ["file", "loop", "to-file"]


def test_folder_does_not_replace_a_file(tmp_path):
    (tmp_path / "x").write_text("precious")
    with pytest.raises(UsageError, match="is a file where a folder is to be"), staged_folder(tmp_path / "x"):
        pytest.fail("the block must not run")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "precious"


def test_folders_above_go_with_a_failure_where_they_were_made_for_it(tmp_path):
    (tmp_path / "mine").mkdir()
    for above in ("mine/model", "out/model"):
        with pytest.raises(ToolError), staged_folder(tmp_path / above / "profile"):
            raise ToolError("it failed")
    assert names(tmp_path) == ["mine"]
    assert names(tmp_path / "mine") == []
    with staged_folder(tmp_path / "out" / "good" / "profile"):
        with pytest.raises(ToolError), staged_folder(tmp_path / "out" / "bad" / "profile"):
            raise ToolError("it failed")
        assert names(tmp_path / "out") == ["good"]
    assert names(tmp_path / "out" / "good") == ["profile"]


def test_a_signal_just_when_the_staging_folder_is_made_leaves_nothing(tmp_path, monkeypatch):
    make = Path.mkdir

    def make_and_stop(path, *args, **kwargs):
        make(path, *args, **kwargs)
        if path.name.startswith(STAGING):
            raise SystemExit(143)

    monkeypatch.setattr(Path, "mkdir", make_and_stop)
    with pytest.raises(SystemExit), staged_folder(tmp_path / "final"):
        pytest.fail("the block must not be entered")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "folder", "nothing"])
def test_what_somebody_puts_in_the_staging_folders_place_is_not_taken(tmp_path, kind):
    """In a folder that others may write, too, one of them renames it while it is being filled."""
    shared, elsewhere = tmp_path / "shared", tmp_path / "elsewhere"
    with staged_folder(shared / "profile") as folder:
        (folder / "file").write_text("old")
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("mine")

    def write() -> None:
        with staged_folder(shared / "profile") as folder:
            folder.rename(tmp_path / "stolen")
            if kind == "link":
                folder.symlink_to(elsewhere)
            elif kind == "folder":
                folder.mkdir()
                (folder / "file").write_text("evil")

    with pytest.raises(ToolError, match="is not the folder that was made there"):
        write()
    assert (shared / "profile" / "file").read_text() == "old"
    assert not (shared / "profile").is_symlink()
    assert names(elsewhere) == ["precious"]
