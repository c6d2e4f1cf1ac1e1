"""The page of accuracy: what it says follows from the rows, and the published one from the published rows."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.networks import NETWORKS
from benchmarks.accuracy.page import render
from benchmarks.accuracy.rows import Cell, Row, keep_row, kept_rows
from benchmarks.accuracy.run import PAGE, ROWS
from edgekit.base.stats import wilson
from edgekit.types import Evaluation, Scored
from edgekit.verify.accuracy import paired_drop

SCORED = Scored(kind="network", model="a", name="checkpoint.pt", sha256="a" * 64)


def evaluation(lost: int) -> Evaluation:
    drop = paired_drop(np.arange(10_000) >= lost, np.ones(10_000, bool))
    more = {"top1": wilson(10_000 - lost, 10_000), "reference_top1": wilson(10_000, 10_000), "drop": drop}
    more |= {"agreement": wilson(10_000 - lost, 10_000), "sqnr_db": 25.0}
    return Evaluation(subject=SCORED, reference=SCORED, data="fashion-mnist", images=10_000, classes=10, **more)


def row(model: str, *cells: Cell) -> Row:
    facts = {"family": "f", "title": "A network", "params": 1000, "macs": 2000, "trained": "3 epochs"}
    return Row(model=model, calibration=256, target="x86-avx2", versions={}, cells=cells, **facts)


def test_the_goals_follow_from_the_drops() -> None:
    good = row("good", Cell(format="onnx", evaluation=evaluation(20)), Cell(format="tflite", evaluation=evaluation(0)))
    page = render([good], ["good", "late"])
    assert "worst +0.20 (good ONNX Runtime); proven for 2 of 2; 0 could not be made | met |" in page
    assert "| +0.10 over 2 artifacts | met |" in page
    assert "Not measured yet: late." in page
    bad = row("bad", Cell(format="onnx", evaluation=evaluation(150)), Cell(format="tflite", error="failed: no"))
    page = render([good, bad], ["good", "bad"])
    assert "worst +1.50 (bad ONNX Runtime); proven for 2 of 3; 1 could not be made | missed |" in page
    assert "| bad | LiteRT | - | - | - | - | - | - | failed: no |" in page
    assert "Not measured yet" not in page


@pytest.mark.parametrize(
    ("share", "for_accuracy", "shown"),
    [
        (0.0, 0.0, "0.0%"),
        (0.3, 0.0, "30.0%"),
        (0.1, 0.1, "10.0% for accuracy"),
        (0.3, 0.1, "30.0%, 10.0% of them for accuracy"),
    ],
)
def test_macs_in_float_are_told_apart_by_reason(share, for_accuracy, shown) -> None:
    cell = Cell(format="tflite", float_macs=share, for_accuracy=for_accuracy, form="QDQ", evaluation=evaluation(20))
    assert f" | {shown} | QDQ |" in render([row("one", cell)], ["one"])


def test_rows_are_found_again(tmp_path) -> None:
    one = row("one", Cell(format="onnx", evaluation=evaluation(20)))
    keep_row(tmp_path, one)
    assert kept_rows(tmp_path) == [one]


def test_the_published_page() -> None:
    assert PAGE.read_text() == render(kept_rows(ROWS), [network.model for network in NETWORKS])
