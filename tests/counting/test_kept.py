from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.counting import kept
from edgekit.counting.emulator import prepare
from edgekit.counting.kept import count_once, place_of
from edgekit.devices.virtual.simulated import SIMULATED
from edgekit.types import Stored


@pytest.fixture
def counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Counts are kept in a folder of the test's own."""
    monkeypatch.setattr(kept, "counting_folder", lambda: tmp_path)
    return tmp_path / "counts"


def test_a_file_is_counted_once_whatever_it_is_called(counting: None, tiny: Path, counts: Path) -> None:
    ready, stored = prepare(SIMULATED["sim-rpi4"], silent), read_manifest(tiny / "tflite-int8")
    first = count_once(stored, ready)
    assert first.repeat is None
    (path,) = counts.iterdir()
    stamp = path.stat().st_mtime_ns
    called = Stored(stored.folder, stored.artifact.model_copy(update={"model": "renamed"}))
    again = count_once(called, ready)
    assert path.stat().st_mtime_ns == stamp
    assert again.model == "renamed"
    assert again.counts == first.counts
    assert again.estimate == first.estimate
    faster = replace(ready, board=replace(ready.board, khz=(600_000, 900_000)))
    assert count_once(stored, faster).estimate.latency_ms == pytest.approx(2 * first.estimate.latency_ms)
    path.write_text("not a count")
    assert count_once(stored, ready).counts.instructions == pytest.approx(first.counts.instructions, rel=0.01)


def test_another_core_file_or_emulator_is_another_count(counting: None, tiny: Path, counts: Path) -> None:
    ready, other = (prepare(SIMULATED[name], silent) for name in ("sim-rpi4", "sim-rpi5"))
    newer = replace(ready, emulator=replace(ready.emulator, version="99.0"))
    int8, fp32 = read_manifest(tiny / "tflite-int8"), read_manifest(tiny / "tflite-fp32")
    places = {place_of(int8, ready), place_of(int8, other), place_of(int8, newer), place_of(fp32, ready)}
    assert len(places) == 4


def test_another_version_of_the_runtime_is_another_count(
    counting: None, tiny: Path, counts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On x86 the runtimes are this Python's, which may be upgraded; on ARM those of the emulated system."""
    arm, stored = prepare(SIMULATED["sim-rpi4"], silent), read_manifest(tiny / "tflite-int8")
    there = kept.version_there("litert", arm)
    assert there == count_once(stored, arm).runtime_version
    here = replace(arm, board=SIMULATED["sim-x86-avx2"], tree=Path("/"))
    before = place_of(stored, here)
    assert metadata.version("ai-edge-litert") in before.name
    monkeypatch.setattr(metadata, "version", lambda _: "99.0")
    assert place_of(stored, here) != before
