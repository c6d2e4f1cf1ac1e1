from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.counting.output import parse, read_output
from edgekit.errors import ToolError

TEXT = """mark 2 100 1 2 3 4 5 6 7 80 9 10 11
mark 3 99 1 2 3 4 5 6 7 80 9 10 11
block 4000a0 3 5 0 0 0 0 1 0 1
block 4000a0 2 7 0 0 0 0 1 0 1
block ffff10 1 9 0 0 0 0 0 0 0
"""


def test_marks_become_counts_and_blocks_of_one_address_are_added() -> None:
    spans = parse(TEXT, 2)
    assert [one.instructions for one in spans.counts] == [100, 99]
    last = spans.counts[-1]
    assert (last.fma, last.dot, last.int_multiply, last.simd) == (1, 2, 3, 4)
    assert (last.loads, last.stores, last.branches, last.bytes_loaded, last.bytes_stored) == (5, 6, 7, 80, 9)
    assert last.cache_misses == (10, 11)
    assert spans.blocks == {0x4000A0: 3 * 5 + 2 * 7, 0xFFFF10: 9}


@pytest.mark.parametrize("text", ["", "mark 2 1 2\n", TEXT + "noise\n", "mark 2 a b\n", "block 1 2\n" + TEXT])
def test_anything_else_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "counts.txt"
    path.write_text(text)
    with pytest.raises(ToolError, match="not what the plugin"):
        read_output(path, 2)


def test_no_file_is_a_failure() -> None:
    with pytest.raises(ToolError, match="wrote no counts"):
        read_output(Path("nowhere"), 2)
