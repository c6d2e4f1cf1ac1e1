"""The benchmark's pages against the committed ones; EDGEKIT_REGENERATE=1 rewrites them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import REACH_FAMILIES
from benchmarks.table import BEGIN, END, page, summary, write_readme
from edgekit.errors import UsageError

Make = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"


def check(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("EDGEKIT_REGENERATE"):
        path.write_text(text)
    assert text == path.read_text()


def test_the_page(results: Make) -> None:
    data = results()
    broken = results({("igcv3", "onnx"): {"plain-fp32": 5.0, "edgekit-fp32": 5.0, "plain-int8": 5.0}})
    for part in ("networks", "rounds"):
        data[part] += broken[part]
    check("bench.md", page(data))


def test_the_summary(results: Make) -> None:
    check("bench_summary.md", summary(results()) + "\n")


def test_means_are_of_complete_sets_only(results: Make) -> None:
    medians = {"plain-fp32": 8.0, "edgekit-fp32": 4.0, "plain-int8": 9.0, "edgekit-int8": 3.0}
    formats = ("onnx", "tflite", "openvino")
    everything = {(family, format_): medians for family in ("igcv2", *REACH_FAMILIES) for format_ in formats}
    text = summary(results(everything))
    assert "| fp32, five networks | 2.000 | 2.000 | 2.000 | 2.000 |" in text
    assert "| int8, all 6 | 3.000 | 3.000 | 3.000 | 3.000 |" in text
    del everything["igcv2", "tflite"]
    text = summary(results(everything))
    assert "| int8, five networks | 3.000 | 3.000 | 3.000 | 3.000 |" in text
    assert "| int8, all 6 | 3.000 | - | 3.000 | - |" in text


def test_a_busy_machine_is_said_first(results: Make) -> None:
    assert "The machine was busy: 9.0 runnable tasks on 4 cores" in summary(results(load=9.0))
    assert "busy" not in summary(results(load=3.9))


def test_every_row_of_a_table_has_as_many_cells_as_its_head(results: Make) -> None:
    width = 0
    for line in page(results()).splitlines():
        cells = line.count("|")
        if not cells:
            width = 0
        elif not width:
            width = cells
        assert cells == width, line


def test_the_summary_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Top\n\n{BEGIN}\nold\n{END}\n\nbottom\n")
    write_readme(readme, "new")
    assert readme.read_text() == f"# Top\n\n{BEGIN}\nnew\n{END}\n\nbottom\n"
    write_readme(readme, "newer")
    assert readme.read_text() == f"# Top\n\n{BEGIN}\nnewer\n{END}\n\nbottom\n"


@pytest.mark.parametrize("text", ["no markers\n", f"{END}\n{BEGIN}\n"])
def test_a_readme_without_markers_is_left_alone(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(UsageError, match="no place"):
        write_readme(readme, "new")
    assert readme.read_text() == text


def test_the_readme_has_the_markers() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.count(BEGIN) == text.count(END) == 1
