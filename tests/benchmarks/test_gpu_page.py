"""The page of the GPU table against the committed one; EDGEKIT_REGENERATE=1 rewrites it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu_share
from benchmarks.gpu_page import blocking, page
from benchmarks.places import PAGES, RESULTS
from edgekit.errors import UsageError

GOLDEN = Path(__file__).parent.parent / "golden" / "gpu.md"


def row(model: str, kind: str, **more: Any) -> dict[str, Any]:
    """A network of ten operators that runs on the GPU as a whole."""
    return {"model": model, "kind": kind, "form": "litert-torch" if kind == "plain" else "default", "ops": 10,
            "kinds": {"CONV_2D": 7, "GATHER_ND": 2, "MEAN": 1}, "gpu_ops": 10, "partitions": 1, "reasons": [],
            "adapter": "An adapter", "emulated": True, "max_abs": 2e-6, "output_max": 3.0, "sqnr_db": 120.4,
            "cosine": 1.0, "wrong": [], "error": "", "size_bytes": 2_500_000, **more}  # fmt: skip


def found() -> dict[str, Any]:
    """A network of each fate: whole, in part, wrong, crashed before anything was told."""
    nothing = dict.fromkeys(("gpu_ops", "partitions", "adapter", "emulated", "max_abs", "sqnr_db", "cosine"))
    rows = [
        row("condensenet", "plain", gpu_ops=3, reasons=["GATHER_ND: Operation is not supported."]),
        row("condensenet", "edgekit", form="aligned-groups"),
        row("igcv1", "plain", sqnr_db=-3.2, cosine=0.1, max_abs=4.0, wrong=["SQNR -3.2 dB is below 60 dB"]),
        row("igcv1", "edgekit", error="the run on the GPU crashed with SIGSEGV", **nothing),
    ]
    return {"litert": "9.8.7", "drivers": {"An adapter": "a driver, 1.2"}, "date": "2026-01-02", "rows": rows}


def test_the_page() -> None:
    text = page(found())
    if os.environ.get("EDGEKIT_REGENERATE"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_every_network_whole_and_right_needs_no_further_sections() -> None:
    data = found()
    data["rows"] = [row("mobilenet", kind) for kind in ("plain", "edgekit")]
    text = page(data)
    assert "before lowering 1 of 1, after lowering 1 of 1" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## How much the GPU takes"]


def test_reasons_are_of_the_file_s_operators_only() -> None:
    said = ["GATHER_ND: Operation is not supported.", "9 operations of something: and a text"]
    assert blocking(row("a", "plain", reasons=said)) == {"GATHER_ND": "Operation is not supported"}


def test_rendering_again_gives_the_same_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gpu.json").write_text(json.dumps(found()))
    monkeypatch.setattr(
        sys, "argv", ["gpu_share", "--render", "--out", str(tmp_path), "--page", str(tmp_path / "gpu.md")]
    )
    assert gpu_share.main() == 0
    assert (tmp_path / "gpu.md").read_text() == GOLDEN.read_text()


@pytest.mark.parametrize("text", [None, "{", "[]", '{"litert": "2"}'])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "gpu.json").write_text(text)
    with pytest.raises(UsageError, match=r"cannot read .*gpu\.json"):
        gpu_share.read(tmp_path)


def test_the_committed_page_is_that_of_the_committed_figures() -> None:
    assert page(json.loads((RESULTS / "gpu.json").read_text())) == (PAGES / "gpu.md").read_text()
