"""What data names stays in its folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import edgekit
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


def test_a_long_value_is_cut_in_the_error(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"… \(1000003 characters\)") as caught:
        inside(folder, "/" + "x" * 1_000_000, field="files")
    assert len(str(caught.value)) < 1000


FROM_DATA = {"id", "name", "key", "model", "profile", "model_file", "seal"}
NAMES_OF_FILES = {
    "folder / file.name",
    "folder / entry.name",
    "restore(Path(name).parent) / Path(name).name",
    "restore(root.parent) / root.name",
}
"""Names that the file system gave, and paths that a user typed put together again."""


def test_every_path_made_of_a_name_goes_through_here() -> None:
    """``folder / artifact.model`` and ``folder / f"{device.id}.json"`` stand nowhere in the code."""
    root = Path(edgekit.__file__).parent
    found = []
    for file in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                parts = [
                    node.right,
                    *(part.value for part in getattr(node.right, "values", []) if hasattr(part, "value")),
                ]
                data = any(isinstance(part, ast.Attribute) and part.attr in FROM_DATA for part in parts)
                if data and ast.unparse(node) not in NAMES_OF_FILES:
                    found.append(f"{file.relative_to(root)}:{node.lineno}: {ast.unparse(node)}")
    assert found == []
