"""Which stored measurements are flagged, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgekit.reports.index import Surroundings, clock_jump_s, index
from edgekit.reports.indexed.reader import read_latest
from edgekit.reports.store import save
from edgekit.types import Device

NOW = datetime(2030, 1, 10, tzinfo=UTC)
AROUND = Surroundings(
    artifacts={("mobilenet_v3_large_1.0", "tflite-int8"): "ab" * 32},
    installed={"ai-edge-litert": "1.2.3"},
    now=NOW,
    max_age_days=30,
)


@pytest.fixture
def entry(tmp_path, make):
    """The entry of one measurement, changed, held against changed surroundings."""

    def build(around=AROUND, **changes):
        save(tmp_path, make(versions={"ai-edge-litert": "1.2.3"}).model_copy(update=changes))
        (found,) = index(tmp_path, read_latest(tmp_path)[0], around)
        return found

    return build


def test_a_fresh_one_is_fine(entry):
    found = entry()
    assert found.fine
    assert found.artifact == "present"


@pytest.mark.parametrize(
    ("changes", "artifact", "reason"),
    [
        (
            {"artifact_sha256": "cd" * 32},
            "changed",
            "changed: measured cdcdcdcdcdcd, there is abababababab",
        ),
        ({"profile": "tflite-fp32"}, "gone", "the artifact is gone"),
        ({"versions": {"ai-edge-litert": "1.0"}}, "present", "ai-edge-litert was 1.0, installed is 1.2.3"),
        ({"measured_at": "2029-01-01T00:00:00Z"}, "present", "374 days old, over 30"),
        ({"measured_at": "2031-01-01T00:00:00Z"}, "present", "yet to come"),
    ],
)
def test_each_reason(entry, changes, artifact, reason):
    found = entry(**changes)
    assert found.artifact == artifact
    (said,) = found.stale
    assert reason in said


def test_without_artifacts_or_an_age_nothing_is_said_of_them(entry):
    around = replace(AROUND, artifacts=None, max_age_days=None)
    found = entry(around, measured_at="2020-01-01T00:00:00Z")
    assert found.fine
    assert found.artifact == "unknown"


@pytest.mark.parametrize(
    "device",
    [
        Device(id="rpi4", transport="ssh", address="rpi4"),
        Device(id="webgpu", transport="local", python="/opt/webgpu/bin/python"),
    ],
)
def test_another_interpreters_runtime_is_not_held_against_this_ones(entry, device):
    assert entry(device=device, versions={"ai-edge-litert": "1.0"}).fine


def test_a_clock_that_was_set_is_noticed(make):
    m = make()
    after = m.state_after.model_copy(update={"unix_time": m.state_before.unix_time - 3600})
    assert clock_jump_s(m.model_copy(update={"state_after": after})) == pytest.approx(-3600, abs=60)
    after = m.state_after.model_copy(update={"unix_time": m.state_before.unix_time + 1e9})
    assert clock_jump_s(m.model_copy(update={"state_after": after})) == pytest.approx(1e9, abs=60)
    assert clock_jump_s(m) is None


def test_the_same_artifact_under_two_profiles_is_a_duplicate(tmp_path: Path, make):
    first, second = save(tmp_path, make()), save(tmp_path, make(profile="tflite-int8-again"))
    other = save(tmp_path, make(threads=2))
    found = {entry.path: entry.duplicates for entry in index(tmp_path, read_latest(tmp_path)[0], AROUND)}
    assert found == {first: (second,), second: (first,), other: ()}


def test_a_file_in_the_wrong_place_is_named(tmp_path: Path, make):
    path = save(tmp_path, make())
    moved = path.rename(path.with_name("renamed.json"))
    (found,) = index(tmp_path, read_latest(tmp_path)[0], replace(AROUND, now=NOW + timedelta(hours=1)))
    assert found.path == moved
    assert any(f"not where it belongs: {path}" in reason for reason in found.stale)
