"""The map of the house is the tree's, and every file and name that a page points at exists."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tools.commands import PAGES, ROOT

MAP = ROOT / "docs" / "contributing" / "map.md"
ADDING = ROOT / "docs" / "contributing" / "adding.md"
PLACE = re.compile(r"`((?:edgekit|tests|benchmarks|models|export_profiles|docs|tools|\.ci)/[\w./-]*)`")
"""A file or folder of the repository; those with a placeholder such as <name> are patterns, not files."""
ONE_EACH = {"edgekit/passes", "edgekit/zoo"}
"""Folders that hold as many modules as there are rewrites and families of networks."""
NAMED = re.compile(r"`(\w+)` in\s+`([\w./-]+\.py)`")


def tracked_files() -> list[Path]:
    """Every committed or new file of the package."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "edgekit"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not in a git checkout")
    return [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def tracked_folders() -> set[str]:
    """Every folder of the package that holds a committed or new file."""
    return {f"{folder}/" for file in tracked_files() for folder in file.parents if folder.parts[:1] == ("edgekit",)}


def mapped() -> list[str]:
    return re.findall(r"^\| `([\w./]+/)` \|", MAP.read_text(), re.MULTILINE)


def test_each_folder_of_the_package_is_on_the_map() -> None:
    assert tracked_folders() - set(mapped()) == {"edgekit/"}


def test_each_folder_on_the_map_exists_and_is_there_once() -> None:
    named = mapped()
    assert len(named) == len(set(named)) > 30
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []


def test_no_folder_holds_more_modules_than_a_reader_takes_in() -> None:
    held = Counter(file.parent for file in tracked_files() if file.suffix == ".py")
    assert len(held) > 30
    assert {str(folder): count for folder, count in held.items() if count > 20}.keys() == ONE_EACH


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_file_that_a_page_names_exists(page: Path) -> None:
    missing = [place for place in PLACE.findall(page.read_text()) if not (ROOT / place).exists()]
    assert missing == []


def test_each_name_that_is_to_be_changed_stands_in_its_file() -> None:
    found = NAMED.findall(ADDING.read_text())
    assert len(found) >= 10
    for name, file in found:
        assert re.search(rf"^\s*(def |class )?{name}\b", (ROOT / file).read_text(), re.MULTILINE), (name, file)
