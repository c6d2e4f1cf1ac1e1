"""The README is one screen, and no page sends anyone to a stranger's package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.commands import PAGES, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_is_short() -> None:
    assert len(README.encode()) < 6 * 1024


def test_its_result_table_has_at_most_six_rows() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| ")]
    assert 1 <= len(rows) - 2 <= 6  # the heading and the rule below it


def test_its_links_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)", README) if "://" not in target]
    assert len(targets) > 8
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_edgekit_is_not_installed_by_its_bare_name(page: Path) -> None:
    assert not re.search(r"pip install [^\n`]*(?<![\w./+-])'?edgekit(?![\w-])(?!_toolkit)", page.read_text())
