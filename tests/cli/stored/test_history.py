"""``edgekit history`` as a program."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgekit.reports.store import load, save
from edgekit.types import Revision

V1 = Path(__file__).parents[2] / "data" / "report_v1.json"


@pytest.fixture
def stored(project: Path) -> Path:
    m = load(V1)
    for index in range(16):
        slower = 2_000_000 if index >= 8 else 0
        changes = {
            "measured_at": (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=index)).isoformat(),
            "samples_ns": tuple(ns + slower + index % 3 * 20_000 for ns in m.samples_ns),
            "revision": Revision(commit=f"{index + 10:02d}" * 20, dirty=False),
        }
        latest = save(project / "device_reports", m.model_copy(update=changes))
    return latest


def test_the_change_its_commits_and_the_page(edgekit, stored: Path, project: Path):
    done = edgekit("history", "--model", "mobilenet_v2", "--device", "local")
    assert done.returncode == 0
    assert "11.7% slower (17.1 to 19.1 ms" in done.stderr
    assert "between commits 1717171717 and 1818181818" in done.stderr
    assert "page: device_reports/history.html" in done.stderr
    assert "git log --oneline 1717171717..1818181818" in (project / "device_reports" / "history.html").read_text()


def test_json_writes_no_page(edgekit, stored: Path, project: Path):
    (series,) = json.loads(edgekit("history", "--json").stdout)["series"]
    assert len(series["points"]) == 16
    assert [change["index"] for change in series["changes"]] == [8]
    assert series["changes"][0]["commit_after"] == "18" * 20
    assert not (project / "device_reports" / "history.html").exists()


def test_damaged_files_are_named_and_the_rest_is_shown(edgekit, stored: Path):
    stored.write_text("{")
    done = edgekit("history", "--json")
    assert done.returncode == 2
    assert f"damaged: device_reports/local/{stored.name} is not a report" in done.stderr
    assert len(json.loads(done.stdout)["series"][0]["points"]) == 16  # the history has it too


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--device", "rpi9"), "nothing was measured on 'rpi9'"), (("--model", "squeezenet"), "no measurement of")],
)
def test_what_was_not_measured_is_said(edgekit, stored: Path, arguments, message):
    done = edgekit("history", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
