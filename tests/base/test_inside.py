"""What data names stays in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.base.inside import inside
from edgekit.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with another beside it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder-beside").mkdir()
    return tmp_path / "folder"


def test_a_path_of_names_is_that_path(folder: Path) -> None:
    assert inside(folder, "model", "profile", field="x") == folder / "model" / "profile"


@pytest.mark.parametrize("part", ["..", ".", "", "/etc/passwd", "a/../../b", "../folder-beside", "a\\b", "a\0b"])
def test_a_part_that_is_no_name_is_refused_with_field_and_value(folder: Path, part: str) -> None:
    with pytest.raises(UsageError, match=r"^files is ") as caught:
        inside(folder, part, field="files")
    assert repr(part) in str(caught.value)
    with pytest.raises(UsageError):
        inside(folder, "good", part, field="files")


@pytest.mark.parametrize("target", ["../folder-beside", "/", "..", "../nothing-there"])
def test_a_link_that_leads_out_is_refused_at_every_depth(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    for parts in (("link",), ("link", "file")):
        with pytest.raises(UsageError, match=r"link.* is a link that leads out of"):
            inside(folder, *parts, field="files")


def test_links_inside_and_a_folder_that_is_one_are_fine(folder: Path, tmp_path: Path) -> None:
    (folder / "real").mkdir()
    (folder / "link").symlink_to("real")
    (tmp_path / "way").symlink_to(folder)
    assert inside(folder, "link", "file", field="x") == folder / "link" / "file"
    assert inside(tmp_path / "way", "link", field="x") == tmp_path / "way" / "link"


def test_links_in_a_circle_are_refused(folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    with pytest.raises(UsageError, match="cannot follow"):
        inside(folder, "a", field="x")
