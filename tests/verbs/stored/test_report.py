"""The verb ``report``."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.accuracy.kept import keep
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import Event
from edgekit.base.stats import wilson
from edgekit.errors import UsageError
from edgekit.reports.counted.store import save_count
from edgekit.reports.html import PAGE_BYTES
from edgekit.reports.store import load, save
from edgekit.select.pareto import Limits
from edgekit.types import Counted, Evaluation, Scored
from edgekit.verbs.stored.report import report
from edgekit.verify.accuracy import paired_drop

BASE = load(Path(__file__).parents[2] / "data" / "report_v1.json")
TINY = Path(__file__).parents[2] / "data" / "artifacts" / "tiny" / "tflite-int8"


def test_nothing_measured_names_the_command(tmp_path):
    with pytest.raises(UsageError) as caught:
        report(tmp_path / "none")
    assert "edgekit profile" in caught.value.hint


def test_damaged_measurement_is_named(tmp_path):
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "x.json").write_text("{")
    with pytest.raises(UsageError, match=r"x\.json"):
        report(tmp_path)
    assert not (tmp_path / "report.md").exists()


def test_a_damaged_measurement_does_not_hide_the_others(tmp_path):
    good = save(tmp_path, load(Path(__file__).parents[2] / "data" / "report_v1.json"))
    good.with_name("broken.json").write_text("{")
    made = report(tmp_path, tmp_path / "out")
    assert made.measurements == 1
    assert [one.path.name for one in made.damaged] == ["broken.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.csv", "report.html", "report.md"]


def test_of_many_the_foremost_are_shown_in_full_and_all_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr("edgekit.verbs.stored.report.IN_FULL", 3)
    for model in ("mobilenet_v2_1.0", "squeezenet_1.1"):
        for threads in (1, 2, 4):
            save(tmp_path, BASE.model_copy(update={"model": model, "threads": threads}))
    told: list[Event] = []
    made = report(tmp_path, progress=told.append)
    assert [str(event) for event in told] == [
        "6 measurements: 3 are shown in full, all in report.csv and on pages in report/"
    ]
    assert (made.measurements, made.in_full, len(made.lists)) == (6, 3, 1)
    assert made.lists[0].read_text().count("<tr><td>") == 6
    assert len(made.csv.read_text().splitlines()) == 7
    page, markdown = made.html.read_text(), made.markdown.read_text()
    assert "Shown are 3 of them" in page
    assert 'href="report/0001.html"' in page
    assert len(set(re.findall(r'id="m(\d+)"', page))) == 3
    assert "Shown are 3 of 6" in markdown
    assert {"mobilenet_v2_1.0", "squeezenet_1.1"} <= set(re.findall(r"\w+_\d\.\d", markdown))
    part = report(tmp_path, tmp_path / "part", model="squeezenet")
    assert (part.measurements, part.in_full, part.lists) == (3, 3, ())
    assert "squeezenet" not in report(tmp_path, tmp_path / "other", "local", "mobilenet_v2").markdown.read_text()
    with pytest.raises(UsageError, match="would take the place of the whole one"):
        report(tmp_path, model="squeezenet")


def test_pages_keep_their_bounds_whatever_a_measurement_holds(tmp_path):
    long = "very long " * 40_000
    for number in range(4):
        info = BASE.info.model_copy(update={"cpu": f"{long}{number}"})
        save(tmp_path, BASE.model_copy(update={"model": f"net_{number}", "info": info}))
    made = report(tmp_path)
    assert made.measurements == 4
    assert len(made.markdown.read_text()) <= 65_536
    assert "cut off" in made.markdown.read_text()
    assert made.html.stat().st_size <= PAGE_BYTES


def test_counts_have_a_section_of_their_own_and_are_never_among_the_measurements(
    make_counted: Callable[..., Counted], tmp_path: Path
) -> None:
    save_count(tmp_path, make_counted())
    (tmp_path / "sim-rpi4" / "counted" / "bad.json").write_text("{}")
    made = report(tmp_path)
    assert (made.measurements, made.counted, len(made.damaged)) == (0, 1, 1)
    assert "Counted on simulated boards, not measured" in made.html.read_text()
    assert "Counted on simulated boards, not measured" in made.markdown.read_text()
    assert "small" not in made.csv.read_text()


def test_the_headline_names_the_fastest_that_keeps_the_limits(tmp_path):
    for model, size in (("small", 1_000_000), ("large", 9_000_000)):
        save(tmp_path, BASE.model_copy(update={"model": model, "artifact_bytes": size}))
    report(tmp_path, limits=Limits(size_mb=2))
    text = (tmp_path / "report.md").read_text()
    assert re.search(r"\*\*fastest that keeps 2 MB\*\*: small ", text)
    report(tmp_path, limits=Limits(accuracy=70))
    assert "none of 2; the nearest is" in (tmp_path / "report.md").read_text()


def test_what_was_evaluated_stands_beside_what_was_published(tmp_path, monkeypatch):
    """In all three files, for the artifact of that digest; without it the Markdown has no such column."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "artifacts" / "tiny" / "tflite-int8"
    shutil.copytree(TINY, folder)
    stored = read_manifest(folder)
    digests = {"artifact_sha256": stored.artifact.sha256, "weights_sha256": stored.artifact.weights.sha256}
    save(tmp_path / "reports", BASE.model_copy(update=digests))
    made = report(tmp_path / "reports", artifacts=tmp_path / "artifacts")
    assert "| top-1 |" not in made.markdown.read_text()
    scored = Scored(kind="network", model="tiny", name="trained.pth", sha256="a" * 64)
    drop = paired_drop(np.arange(1000) >= 12, np.ones(1000, bool))
    keep(
        stored,
        Evaluation(
            subject=scored,
            reference=scored,
            data="photos",
            images=1000,
            classes=5,
            top1=wilson(988, 1000),
            drop=drop,
        ),
    )
    made = report(tmp_path / "reports", artifacts=tmp_path / "artifacts")
    assert "98.80 % (-1.20)" in made.markdown.read_text()
    assert "98.80 % (-1.20)" in made.html.read_text()
    (row,) = csv.DictReader(made.csv.read_text().splitlines())
    assert (row["measured_top1_percent"], row["drop_points"], row["evaluated_on"]) == ("98.8", "1.2", "photos")
    (folder / "evaluations.json").write_text("{")
    said = []
    report(tmp_path / "reports", progress=said.append, artifacts=tmp_path / "artifacts")
    assert any("evaluations.json holds no evaluations" in event.text for event in said)
