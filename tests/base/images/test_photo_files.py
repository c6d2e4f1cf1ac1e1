"""Which files are the user's photos, and in which order folders are classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.base.images.photo_files import SUFFIXES, class_folders, find_photos, split_folders
from edgekit.errors import UsageError


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_every_usual_type_is_found(tmp_path):
    touch(*(tmp_path / f"a{suffix}" for suffix in SUFFIXES), tmp_path / "B.JPG", tmp_path / "notes.txt")
    found = find_photos(tmp_path)
    assert {path.suffix for path in found.paths} == {*SUFFIXES, ".JPG"}
    assert {".tif", ".ppm", ".gif", ".jfif", ".webp", ".avif"} <= set(SUFFIXES)
    assert (found.others, found.notes) == (1, ())


def test_what_is_no_photo_of_the_user_is_left_out_and_counted(tmp_path):
    touch(*(tmp_path / "cats" / f"{n}.jpg" for n in range(3)), tmp_path / "cats" / "IMG.HEIC")
    touch(tmp_path / "cats" / "._0.jpg", tmp_path / "cats" / ".hidden.png", tmp_path / "cats" / ".DS_Store")
    touch(tmp_path / ".ipynb_checkpoints" / "0-checkpoint.jpg", tmp_path / "cats" / ".thumbs" / "deep" / "0.png")
    touch(tmp_path / "__MACOSX" / "cats" / "._1.jpg", tmp_path / "cats" / "@eaDir" / "0.jpg" / "SYNO.jpg")
    found = find_photos(tmp_path)
    assert [path.name for path in found.paths] == ["0.jpg", "1.jpg", "2.jpg"]
    listed = (
        "7 files left out: 1 ._ files, 1 hidden files, 1 in .ipynb_checkpoints, 1 in .thumbs, 1 in @eaDir, "
        "1 in __MACOSX, 1 of type .heic, which is not read"
    )
    assert found.notes == (listed,)
    assert class_folders(tmp_path) == ("cats",)


def test_a_folder_below_a_hidden_one_is_the_users_own(tmp_path):
    touch(tmp_path / ".data" / "photos" / "0.jpg")
    assert len(find_photos(tmp_path / ".data" / "photos").paths) == 1


def test_links_are_followed_and_circles_end(tmp_path):
    touch(tmp_path / "real" / "cat" / "0.jpg")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "cat").symlink_to(tmp_path / "real" / "cat")
    (tmp_path / "linked" / "gone.png").symlink_to(tmp_path / "nothing.png")
    (tmp_path / "real" / "cat" / "up").symlink_to(tmp_path / "real")
    found = find_photos(tmp_path / "linked")
    assert [path.relative_to(tmp_path / "linked").as_posix() for path in found.paths] == ["cat/0.jpg"]
    assert found.notes == ("1 file left out: 1 links to nothing",)
    assert class_folders(tmp_path / "linked") == ("cat",)


def test_classes_are_numbered_as_imagefolder_numbers_them(tmp_path):
    for name in ("2", "10", "1", "0", "11", "Zebra", "apple", ".git"):
        (tmp_path / name).mkdir()
    assert class_folders(tmp_path) == ("0", "1", "10", "11", "2", "Zebra", "apple")


def test_split_folders(tmp_path):
    (tmp_path / "train").mkdir()
    assert split_folders(tmp_path) is None
    (tmp_path / "val").mkdir()
    assert split_folders(tmp_path) == (tmp_path / "train", tmp_path / "val")
    (tmp_path / "test").mkdir()
    assert split_folders(tmp_path) == (tmp_path / "train", tmp_path / "test")


def test_nothing_left_is_said(tmp_path):
    touch(tmp_path / "._0.jpg", tmp_path / "a.heic", tmp_path / "b.txt")
    with pytest.raises(UsageError, match=r"holds no image \(1 other files\); 2 files left out: .*\.heic, which is not"):
        find_photos(tmp_path)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("data.npz", "give the file itself: {}"), ("photos.tar", "unpack {} first"), ("notes.txt", "known types: .jpg")],
)
def test_data_of_another_kind_is_named(tmp_path, name, hint):
    touch(tmp_path / name)
    with pytest.raises(UsageError) as refused:
        find_photos(tmp_path)
    assert hint.format(tmp_path / name) in refused.value.hint
