"""``edgekit index`` and ``edgekit schema`` as programs."""

import json
from pathlib import Path

import pytest

from edgekit.reports.store import load, save

V1 = Path(__file__).parents[2] / "data" / "report_v1.json"


@pytest.fixture
def stored(project: Path) -> Path:
    return save(project / "device_reports", load(V1))


def test_it_lists_flags_and_counts(edgekit, stored: Path):
    done = edgekit("index", "--max-age", 1)
    assert done.returncode == 0
    assert done.stdout == ""
    row = next(line for line in done.stderr.splitlines() if "mobilenet_v2_1.0  " in line)
    assert row.split()[:6] == ["local", "mobilenet_v2_1.0", "tflite-int8", "litert", "2.3.0", "1"]
    assert row.split()[6:] == ["2026-01-01", "17.1", "stable", "unknown", "stale"]
    assert "days old, over 1" in done.stderr
    assert "1 current measurement, 1 in the history, 1 to look at" in done.stderr


def test_check_is_for_hooks(edgekit, stored: Path, project: Path):
    assert edgekit("index", "--check").returncode == 0
    assert edgekit("index", "--check", "--max-age", 1).returncode == 1
    (project / "artifacts").mkdir()
    done = edgekit("index", "--check")
    assert done.returncode == 1
    assert "the artifact is gone" in done.stderr


def test_a_damaged_file_is_named_and_the_others_are_listed(edgekit, stored: Path):
    broken = stored.with_name("broken.json")
    broken.write_text(stored.read_text().replace('"load_ns": 30000000', '"load_ns": 20000000'))
    done = edgekit("index", "--json")
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert [entry["file"] for entry in found["entries"]] == ["device_reports/local/" + stored.name]
    (damaged,) = found["damaged"]
    assert damaged["file"] == "device_reports/local/broken.json"
    assert "digest: the content was changed" in damaged["error"]


def test_no_store_is_an_error(edgekit):
    done = edgekit("index")
    assert done.returncode == 2
    assert "no folder device_reports" in done.stderr


def test_schema(edgekit):
    assert json.loads(edgekit("schema").stdout)["title"] == "StoredMeasurement"
    assert json.loads(edgekit("schema", "artifact").stdout)["title"] == "Artifact"
    done = edgekit("schema", "artefact")
    assert done.returncode == 2
    assert "did you mean artifact" in done.stderr
