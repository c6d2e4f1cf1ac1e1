"""Tables on a terminal of 80 columns: no figure is cut, no line is longer, and what is left out is said."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

import edgekit
from edgekit.catalog import cards
from edgekit.cli.show import layers, models
from edgekit.cli.show.screen import Screen
from edgekit.cli.show.tables import print_table
from edgekit.reports.counted import gate_words as counted_gate
from edgekit.reports.counted import words as counted
from edgekit.reports.gate import words as gate
from edgekit.zoo.complexity import layer_costs, total_cost

LONG = "condensenet_imagenet74_g4c4"
GATED = (
    "INCONCLUSIVE", LONG, "openvino-int8 t1", "virtual-rpi4 (emulated)", "123", "145", "+17.9%", "+12.9% to +21.2%",
    "20 (5 dropped)",
)  # fmt: skip
COUNTED_GATE = ("FAIL", LONG, "tflite-int8 t1", "sim-rpi4", "123.456", "234.567", "+90.0001%", "+80.0001%", "1e-05")
COUNTED = (
    LONG, "tflite-int8 t1", "sim-rpi4 (cortex-a72)", "onnxruntime 1.32.0", "1,234.567", *["123.456"] * 7, "12.3",
    "1000/100", "1,234.567", "1234 at 1.8 GHz", "1e-05",
)  # fmt: skip


@pytest.fixture
def narrow() -> Screen:
    return Screen(file=io.StringIO(), width=80, force_terminal=False)


def seen(screen: Screen) -> list[str]:
    assert isinstance(screen.file, io.StringIO)
    lines = [line.rstrip() for line in screen.file.getvalue().splitlines() if line.strip()]
    assert lines
    assert all(len(line) <= 80 for line in lines)
    assert not any("…" in line for line in lines)
    return lines


@pytest.mark.parametrize(
    ("titles", "row", "spare", "kept"),
    [
        (gate.HEADINGS, GATED, gate.SPARE, ("INCONCLUSIVE", LONG, "+17.9%")),
        (counted_gate.HEADINGS, COUNTED_GATE, counted_gate.SPARE, ("FAIL", LONG, "+90.0001%")),
        (counted.HEADINGS, COUNTED, counted.SPARE, (LONG, "1,234.567", "1234 at 1.8 GHz")),
    ],
)
def test_what_a_gate_and_counts_say_stays_whole(
    narrow: Screen, capsys: pytest.CaptureFixture[str], titles: Sequence[str], row: Sequence[str],
    spare: Sequence[str], kept: Sequence[str],
) -> None:  # fmt: skip
    assert len(titles) == len(row)
    assert set(spare) < set(titles)
    print_table(titles, [row], numbers=titles[4:], spare=spare, screen=narrow)
    _, line = seen(narrow)
    assert all(one in line for one in kept)
    assert "left out, as they do not fit 80 columns: " in capsys.readouterr().err


def test_the_models_and_the_layers_of_one(
    narrow: Screen, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgekit.cli.show.screen.on_stdout", lambda: narrow)
    known = sorted(cards().values(), key=lambda card: card.id)
    models.models_table(known)
    lines = seen(narrow)
    assert sum(line.split()[0] in cards() for line in lines) == len(known)
    costs = layer_costs(edgekit.build("squeezenet_1.1"), (1, 3, 224, 224))
    layers.layer_table(costs, total_cost(costs))
    total = next(line for line in seen(narrow) if line.startswith("total "))
    assert f"{total_cost(costs).macs:,}" in total
    assert "left out" in capsys.readouterr().err
