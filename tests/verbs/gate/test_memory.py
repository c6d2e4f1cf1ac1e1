"""Limits of memory and of the cold start."""

from __future__ import annotations

from pathlib import Path

from edgekit.reports.gate.junit import gate_junit
from edgekit.reports.gate.markdown import gate_markdown
from edgekit.reports.gate.words import meaning, remarks
from tests.verbs.gate.conftest import CALM, run


def test_too_much_memory_fails_before_any_pair(pinned: Path, artifact: Path) -> None:
    Path("gate.toml").write_text(CALM + "max_memory_mb = 1\n")
    result = run(artifact)
    assert (result.status, result.decided_by, result.pairs) == ("FAIL", "memory", ())
    assert "MB at its peak, and max_memory_mb is 1" in result.reason
    assert meaning(result) == "takes too much memory"
    assert any("raise the limit in gate.toml" in line for line in remarks(result))
    assert "FAIL" in gate_markdown([result])
    assert "max_memory_mb is 1" in gate_junit([result])


def test_a_slow_cold_start_fails_a_candidate_that_is_not_slower(pinned: Path, artifact: Path) -> None:
    Path("gate.toml").write_text(CALM + "tolerance = 0.9\ndelta = 0.95\nmax_cold_start_ms = 0.01\n")
    result = run(artifact)
    assert (result.status, result.decided_by) == ("FAIL", "cold start"), result.reason
    assert len(result.kept) >= 8
    assert all(pair.candidate_cold_ns for pair in result.kept)
    assert result.notes[-1].startswith("the latency: proven to be slower by less than 95.0%")
    assert meaning(result) == "starts too slowly"


def test_limits_that_are_kept_are_noted(pinned: Path, artifact: Path) -> None:
    limits = "max_memory_growth = 0.5\nmax_memory_mb = 99999\nmax_cold_start_ms = 60000\n"
    Path("gate.toml").write_text(CALM + "tolerance = 0.9\ndelta = 0.95\n" + limits)
    result = run(artifact)
    assert (result.status, result.decided_by) == ("PASS", "latency"), result.reason
    assert "the peak memory went from" in result.notes[0]
    assert "a cold start takes" in result.notes[1]
