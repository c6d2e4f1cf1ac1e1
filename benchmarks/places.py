"""Where the benchmarks keep their figures, and where the site's pages about them are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
"""JSON and JSON lines, committed: every figure of a page follows from them."""
PAGES = ROOT / "docs" / "results"
"""Markdown, written from ``RESULTS``; the tests compare the two."""
