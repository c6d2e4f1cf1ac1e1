"""The verb ``report``."""

from pathlib import Path

import pytest

from edgekit.errors import UsageError
from edgekit.reports.store import load, save
from edgekit.verbs.report import report


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
    good = save(tmp_path, load(Path(__file__).parent.parent / "data" / "report_v1.json"))
    good.with_name("broken.json").write_text("{")
    made = report(tmp_path, tmp_path / "out")
    assert made.measurements == 1
    assert [one.path.name for one in made.damaged] == ["broken.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.csv", "report.html", "report.md"]
