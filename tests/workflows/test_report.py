"""The verb ``report``."""

import pytest

from edgekit.errors import UsageError
from edgekit.workflows.report import report


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
