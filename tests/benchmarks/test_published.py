"""The published pages say what the published figures say."""

from __future__ import annotations

import json

import pytest

from benchmarks import native_page, table
from benchmarks.counting.page import page as counting_page
from benchmarks.places import PAGES, RESULTS, ROOT
from edgekit.cli.show.matrix import matrix_markdown
from edgekit.verbs.matrix import Matrix


@pytest.fixture(scope="module")
def bench() -> dict:
    return json.loads((RESULTS / "bench.json").read_text())


def test_every_row_of_the_benchmark(bench: dict) -> None:
    assert (PAGES / "bench.md").read_text() == table.page(bench)


def test_the_readme_s_table(bench: dict) -> None:
    text = (ROOT / "README.md").read_text()
    assert text.split(table.BEGIN)[1].split(table.END)[0].strip() == table.summary(bench)


def test_the_agent_against_native_tools() -> None:
    assert (PAGES / "native-tools.md").read_text() == native_page.page(
        json.loads((RESULTS / "native_tools.json").read_text())
    )


def test_the_matrix() -> None:
    assert (PAGES / "matrix.md").read_text() == matrix_markdown(
        Matrix.model_validate_json((RESULTS / "matrix.json").read_text())
    )


def test_figures_lie_apart_from_the_pages() -> None:
    assert {path.suffix for path in (ROOT / "docs").rglob("*.json*") if path.parent.name != "schema"} == set()


def test_the_counts() -> None:
    assert (PAGES / "counting.md").read_text() == counting_page(
        json.loads((RESULTS / "counting.json").read_text()), json.loads((RESULTS / "forms.json").read_text())
    )
