"""The verb ``compare``: what names mean, and two artifacts really measured in turn."""

import os
from pathlib import Path

import pytest

from edgekit.errors import NotComparableError, UsageError
from edgekit.reports.indexed.reader import read_latest
from edgekit.reports.store import load, save
from edgekit.types import Device, Measurement, Pinning, Verdict
from edgekit.verbs.compare import compare, find_measurement
from edgekit.verbs.devices import add_device

DATA = Path(__file__).parent.parent / "data"
TINY = DATA / "artifacts" / "tiny"


def find(name: str, reports: Path, device: str | None) -> Measurement:
    return find_measurement(name, reports, device, lambda: read_latest(reports))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    m = load(DATA / "report_v1.json")
    for device in ("local", "rpi4"):
        for threads in (1, 4):
            where = Device(id=device, transport="local")
            save(tmp_path, m.model_copy(update={"device": where, "threads": threads}))
    return tmp_path


def test_a_key_a_part_of_one_and_a_file_all_mean_measurements(store: Path):
    key = "mobilenet_v2_1.0__tflite-int8__litert-cpu-t4"
    found = [
        find(f"rpi4/{key}", store, None),
        find(key, store, "rpi4"),
        find("t4", store, "rpi4"),
        find(str(store / "rpi4" / f"{key}.json"), store, None),
        find(f"rpi4/{key}.json", store, None),
    ]
    assert all(one == found[0] for one in found)
    assert (found[0].device.id, found[0].threads) == ("rpi4", 4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t4", "means 2 measurements: local/"),
        ("nothing_like_it", "not an artifact, a file"),
        ("x.json", r"cannot read x\.json"),
    ],
)
def test_a_name_that_means_none_or_several_is_an_error(store: Path, name: str, message: str):
    with pytest.raises(UsageError, match=message):
        find(name, store, None)


def test_a_damaged_file_is_named_when_it_is_the_one_that_is_meant(store: Path):
    path = next((store / "rpi4").glob("*-t4.json"))
    path.write_text("{")
    with pytest.raises(UsageError, match="is not a report"):
        find("rpi4/mobilenet_v2_1.0__tflite-int8__litert-cpu-t4", store, None)
    assert find("t4", store, None).device.id == "local"


def test_stored_ones_are_compared_without_measuring(store: Path):
    found = compare("local/mobilenet_v2_1.0__tflite-int8__litert-cpu-t1", "t1", "local", reports=store)
    assert found.word == "no difference seen"
    assert not found.paired
    with pytest.raises(NotComparableError, match="threads: 1 against 4"):
        compare("t1", "t4", "local", reports=store)


def test_a_measurement_meets_no_artifact(store: Path):
    with pytest.raises(UsageError, match="only two of a kind"):
        compare("rpi4/mobilenet_v2_1.0__tflite-int8__litert-cpu-t4", str(TINY / "tflite-int8"), reports=store)


def test_a_folder_of_several_artifacts_is_refused(store: Path):
    with pytest.raises(UsageError, match="holds several artifacts"):
        compare(str(TINY), str(TINY / "tflite-int8"), reports=store)


def test_two_artifacts_are_measured_in_turn():
    core = max(os.sched_getaffinity(0))
    b = str(TINY / "tflite-fp32" / "model.tflite")
    found = compare("tiny/onnx-fp32", b, pairs=5, artifacts=TINY.parent, cores=f" {core}")
    assert {launch.pinned for side in (found.a, found.b) for launch in side.launches} == {
        Pinning(asked=str(core), cpus=(core,))
    }
    assert found.broken_off is None
    assert found.paired
    assert found.ratio.pairs == len(found.a.launches) == len(found.b.launches) == 5
    assert found.ratio.low <= found.ratio.ratio <= found.ratio.high
    assert {launch.runtime for launch in found.a.launches} == {"onnxruntime"}
    assert {launch.runtime for launch in found.b.launches} == {"litert"}
    assert found.operators is None


def test_two_artifacts_run_by_turns():
    found = compare(str(TINY / "onnx-fp32"), str(TINY / "openvino-fp32"), pairs=5, turns=True)
    assert found.paired
    assert found.ratio.pairs == 5
    assert found.ratio.low <= found.ratio.ratio <= found.ratio.high
    for side in (found.a, found.b):
        assert len(side.launches) == 5
        assert all(len(launch.samples_ns) >= 40 for launch in side.launches)  # twenty turns of at least two inferences


def test_turns_are_taken_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    add_device("board", "board.example")
    with pytest.raises(UsageError, match="board is reached over ssh"):
        compare(str(TINY / "onnx-fp32"), str(TINY / "tflite-fp32"), "board", pairs=5, turns=True)


def test_cores_that_cannot_be_are_refused(store: Path):
    a, b = str(TINY / "tflite-fp32"), str(TINY / "tflite-int8")
    with pytest.raises(UsageError, match="--cores takes big, little or core numbers, got 'fast'"):
        compare(a, b, cores="fast")
    with pytest.raises(UsageError, match="there is no core 99 here to be pinned to"):
        compare(a, b, cores="99")
    with pytest.raises(UsageError, match="--cores says where to measure, and two stored measurements are compared as"):
        compare("local/mobilenet_v2_1.0__tflite-int8__litert-cpu-t1", "t1", "local", cores="0", reports=store)


def test_too_few_pairs_and_an_emulated_device_are_refused_before_anything_runs():
    a, b = str(TINY / "tflite-fp32"), str(TINY / "tflite-int8")
    with pytest.raises(UsageError, match="--pairs must be at least 5, got 4"):
        compare(a, b, pairs=4)
    with pytest.raises(NotComparableError, match="virtual-rpi4 is emulated"):
        compare(a, b, "virtual-rpi4")


def test_a_changed_artifact_is_not_measured(tmp_path: Path):
    folder = tmp_path / "changed"
    folder.mkdir()
    for path in (TINY / "tflite-int8").iterdir():
        (folder / path.name).write_bytes(path.read_bytes() + (b" " if path.suffix == ".tflite" else b""))
    with pytest.raises(UsageError, match="is not the file that was verified"):
        compare(str(TINY / "tflite-int8"), str(folder), pairs=5)


def test_a_noisy_one_is_compared_and_doubted(store: Path):
    m = load(next((store / "rpi4").glob("*-t1.json")))
    save(store, m.model_copy(update={"profile": "other", "verdict": Verdict(name="noisy", reasons=("drifts",))}))
    found = compare("mobilenet_v2_1.0__tflite-int8__litert-cpu-t1", "other", "rpi4", reports=store)
    assert "B is noisy: drifts" in found.doubts
