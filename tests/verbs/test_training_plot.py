"""The plot of a training: what it shows, and that a browser draws it."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from edgekit.training.condensing import Survivors
from edgekit.training.metrics import Epoch, Run
from edgekit.training.recipes import Recipe
from edgekit.verbs.training_plot import training_plot

SVG = "{http://www.w3.org/2000/svg}"


def run_of(epochs: int, condensing: bool) -> Run:
    rows = []
    for number in range(1, epochs + 1):
        stage = min(3, number * 6 // 20)
        left = Survivors(
            stage=stage, layers={"a": 100 - 25 * stage}, inputs={"a": 4}, connections=100 - 25 * stage, total=100
        )
        rows.append(
            Epoch(
                number=number,
                loss=2 / number,
                lasso=None,
                train_accuracy=90 - 60 / number,
                test_accuracy=91 - 60 / number,
                lr=0.1,
                progress=number / 20,
                survivors=left if condensing else None,
                seconds=1.5,
            )
        )
    return Run(
        model="m<1>",
        data="d",
        data_sha256="0",
        classes=("a", "b"),
        train_images=9,
        test_images=3,
        start="random weights",
        params=5,
        recipe=Recipe(epochs=20, batch=2, lr=0.1),
        threads=1,
        epochs=tuple(rows),
    )


@pytest.mark.parametrize(("epochs", "condensing", "panels"), [(1, True, 3), (20, True, 3), (7, False, 2)])
def test_the_plot_is_svg_with_a_panel_each(epochs: int, condensing: bool, panels: int) -> None:
    root = ET.fromstring(training_plot(run_of(epochs, condensing)))
    words = [t.text or "" for t in root.iter(f"{SVG}text")]
    lines = [path for path in root.iter(f"{SVG}path") if path.get("class") in ("a", "b")]
    assert len(lines) == panels + 1
    assert all((line.get("d") or "").count("L") == epochs - 1 for line in lines)
    assert ("surviving connections, %" in words) == condensing
    assert any(word.startswith("m<1> on d: test accuracy") for word in words)
    assert [w for w in words if w.startswith("stage")] == (
        ["stage 1", "stage 2", "stage 3"] if panels == 3 and epochs > 1 else []
    )
    assert [w for w in words if w.startswith("all layers")] == (
        [] if not condensing else ["all layers 100"] if epochs == 1 else ["all layers 25"]
    )
    for panel in [svg for svg in root.findall(f"{SVG}svg") if svg.findall(f"{SVG}circle")]:
        for circle in panel.findall(f"{SVG}circle"):
            assert 0 <= float((circle.get("cx") or "").removesuffix("%")) <= 100
            assert 0 <= float(circle.get("cy") or -1) <= float(panel.get("height") or 0)


def test_a_browser_draws_the_plot(chromium: str, tmp_path: Path) -> None:
    (tmp_path / "plot.svg").write_text(training_plot(run_of(20, True)))
    picture = tmp_path / "plot.png"
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--screenshot={picture}",
        "--window-size=720,760",
    ]
    subprocess.run([*command, str(tmp_path / "plot.svg")], check=True, capture_output=True, timeout=120)
    from PIL import Image

    with Image.open(picture) as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    assert {(0x0B, 0x62, 0xA4), (0xC8, 0x50, 0x0A)} <= colours
