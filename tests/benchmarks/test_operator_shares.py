"""The table of what an artifact's time goes into."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.operator_shares import main, rendered

if TYPE_CHECKING:
    import pytest


def test_the_longest_type_comes_first_and_medians_count() -> None:
    plain = [{"Conv": (ms, 3), "Transpose": (4.0, 20)} for ms in (5.0, 6.0, 20.0)]
    ours = [{"Conv": (6.0, 3), "Add": (0.5, 2)}] * 3
    assert rendered({"plain": plain, "edgekit": ours}).splitlines() == [
        "| operator | plain | edgekit |",
        "| --- | --- | --- |",
        "| Conv | 6.00 ms, 60% (3) | 6.00 ms, 92% (3) |",
        "| Transpose | 4.00 ms, 40% (20) | - |",
        "| Add | - | 0.50 ms, 8% (2) |",
        "| all | 10.00 ms | 6.50 ms |",
    ]


def test_an_unknown_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["squeznet", "--cache", str(tmp_path)]) == 2
    assert "squeezenet" in capsys.readouterr().err
