from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgekit.artifacts.find import find_artifacts
from edgekit.artifacts.store import check_files, read_manifest
from edgekit.base.files import STAGING
from edgekit.bench.session import Limits
from edgekit.errors import ToolError, UsageError
from edgekit.reports.store import load
from edgekit.verbs.profile import profile

DATA = Path(__file__).parent.parent / "data" / "artifacts"
SHORT = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An artifacts folder to be changed at will."""
    return Path(shutil.copytree(DATA, tmp_path / "artifacts"))


def profiles_of(names: list[str], root: Path, **more: object) -> list[str]:
    return [s.artifact.profile for s in find_artifacts(names, root, **more)]  # type: ignore[arg-type]


ALL = ["onnx-fp32", "openvino-fp32", "tflite-fp32", "tflite-int8"]


# What a name means


def test_no_name_means_everything(root: Path) -> None:
    assert profiles_of([], root) == ALL


def test_folders_files_and_folders_of_folders(root: Path) -> None:
    assert profiles_of([str(root / "tiny" / "onnx-fp32")], root) == ["onnx-fp32"]
    assert profiles_of([str(root / "tiny" / "openvino-fp32" / "model.xml")], root) == ["openvino-fp32"]
    assert profiles_of([str(root / "tiny")], root) == ALL
    assert profiles_of([str(root)], root) == ALL


def test_an_artifact_named_twice_is_measured_once(root: Path) -> None:
    folder = root / "tiny" / "tflite-int8"
    assert profiles_of([str(folder), str(folder / "model.tflite")], root) == ["tflite-int8"]


def test_an_alias_means_the_models_artifacts(root: Path) -> None:
    (root / "tiny").rename(root / "mobilenet_v3_large_1.0")
    assert profiles_of(["mobilenet_v3"], root) == ALL
    assert profiles_of(["mobilenet_v3_large_1.0"], root, runtime="litert") == ["tflite-fp32", "tflite-int8"]


def test_a_model_without_artifacts_is_exported_first(root: Path) -> None:
    asked = []

    def export(model: str) -> list[Path]:
        asked.append(model)
        return [root / "tiny" / "tflite-int8"]

    assert profiles_of(["mobilenet_v2"], root, export_missing=export) == ["tflite-int8"]
    assert asked == ["mobilenet_v2"]  # as it was typed: it may be the path of a card


def test_folders_in_the_making_are_left_alone(root: Path) -> None:
    (root / "tiny" / "onnx-fp32").rename(root / "tiny" / ".staging-onnx-fp32-1-x")
    assert profiles_of([], root) == ALL[1:]


@pytest.mark.parametrize("name", [None, ".", "tiny", "tiny/openvino-fp32", "tiny/openvino-fp32/model.xml"])
def test_a_folder_that_stepped_aside_when_its_writer_was_killed_is_found(root: Path, name: str | None) -> None:
    folder = root / "tiny" / "openvino-fp32"
    folder.rename(folder.with_name(f"{STAGING}openvino-fp32-0123456789ab-old"))
    assert "openvino-fp32" in profiles_of([] if name is None else [str(root / name)], root)
    assert sorted(path.name for path in (root / "tiny").iterdir()) == ALL


@pytest.mark.parametrize(
    ("names", "message", "hint"),
    [
        (["mobilenet_v2"], "no artifacts of mobilenet_v2_1.0 under", "edgekit export mobilenet_v2 --format all"),
        (["mobilnet_v2"], "unknown model 'mobilnet_v2'", "did you mean mobilenet_v2"),
        (["nowhere/at/all"], "no such artifact: there is no folder nowhere/at/all", "ls "),
        (["v2.tflite"], "there is no file v2.tflite", "ls ."),
        (["nowhere/v2.tflite"], "there is no file nowhere/v2.tflite: there is no folder nowhere", "check the path"),
    ],
)
def test_a_name_that_means_nothing(root: Path, names: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        find_artifacts(names, root)
    assert hint in caught.value.hint


def test_an_empty_folder_says_which_command_fills_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no artifacts under") as caught:
        find_artifacts([], tmp_path)
    assert "edgekit export mobilenet_v3 --format tflite --int8" in caught.value.hint


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"other\.bin is not an artifact: there is no manifest\.json beside it"):
        find_artifacts([str(tmp_path / "other.bin")], tmp_path)


def test_nothing_for_the_runtime(root: Path) -> None:
    with pytest.raises(UsageError, match="none of the artifacts runs on openvino: tiny onnx") as caught:
        find_artifacts([str(root / "tiny" / "onnx-fp32")], root, runtime="openvino")
    assert "--format openvino" in caught.value.hint


@pytest.mark.parametrize("text", ["", "{", '{"schema_version": 1}', "[]"])
def test_a_damaged_manifest_is_named(root: Path, text: str) -> None:
    (root / "tiny" / "onnx-fp32" / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=r"onnx-fp32/manifest\.json is not a manifest"):
        find_artifacts([], root)


def test_a_manifest_of_another_version_still_tells_how_to_make_it_again(root: Path) -> None:
    (root / "tiny" / "onnx-fp32" / "manifest.json").write_text('{"command": "edgekit export tiny --format onnx"}')
    with pytest.raises(UsageError) as caught:
        find_artifacts([], root)
    assert caught.value.hint == "export it again: edgekit export tiny --format onnx"


# Files are what the manifest says


def test_good_files_pass(root: Path) -> None:
    for profile_ in ALL:
        check_files(read_manifest(root / "tiny" / profile_))


def test_a_changed_file_is_refused(root: Path) -> None:
    weights = root / "tiny" / "openvino-fp32" / "model.bin"
    data = bytearray(weights.read_bytes())
    data[10] ^= 1
    weights.write_bytes(data)
    with pytest.raises(UsageError, match=r"model\.bin is not the file that was verified: it has sha256"):
        check_files(read_manifest(weights.parent))


def test_a_cut_file_is_refused(root: Path) -> None:
    model = root / "tiny" / "tflite-fp32" / "model.tflite"
    model.write_bytes(model.read_bytes()[:100])
    with pytest.raises(UsageError, match="it has 100 bytes") as caught:
        check_files(read_manifest(model.parent))
    assert caught.value.hint == "export it again"  # its manifest names a command that is none of edgekit's
    assert caught.value.exit_code == 2


def test_a_missing_file_is_refused(root: Path) -> None:
    (root / "tiny" / "openvino-fp32" / "model.bin").unlink()
    with pytest.raises(UsageError, match=r"model\.bin is missing"):
        check_files(read_manifest(root / "tiny" / "openvino-fp32"))


# The verb


def test_nothing_is_exported_or_measured_when_the_reports_cannot_be_kept(root: Path, read_only: Path) -> None:
    asked: list[str] = []

    def export(model: str) -> list[Path]:
        asked.append(model)
        return []

    with pytest.raises(ToolError, match="Read-only file system") as caught:
        profile(["mobilenet_v2"], artifacts_root=root, reports_root=read_only, export_missing=export)
    assert (
        caught.value.hint == f"check the permissions of {read_only} and its disk, or name another place with --reports"
    )
    assert asked == []


def test_everything_is_measured_and_kept(root: Path, tmp_path: Path, heard: Any) -> None:
    outcome = profile([], artifacts_root=root, reports_root=tmp_path / "reports", limits=SHORT, progress=heard)
    assert [m.profile for m in outcome.measurements] == ALL
    assert [load(path) for path in outcome.reports] == outcome.measurements
    assert {m.runtime for m in outcome.measurements} == {"onnxruntime", "openvino", "litert"}
    assert "2/4 tiny/openvino-fp32: latency: measure" in heard.lines
    outcome.raise_failures()


def test_one_bad_artifact_does_not_stop_the_others(root: Path, tmp_path: Path) -> None:
    bad = root / "tiny" / "tflite-fp32"
    manifest = json.loads((bad / "manifest.json").read_text())
    (bad / "model.tflite").write_bytes(b"broken")
    outcome = profile([], artifacts_root=root, reports_root=tmp_path / "reports", limits=SHORT)
    assert [m.profile for m in outcome.measurements] == ["onnx-fp32", "openvino-fp32", "tflite-int8"]
    with pytest.raises(ToolError, match="1 of 4 artifacts could not be measured") as caught:
        outcome.raise_failures()
    assert "tiny/tflite-fp32: " in str(caught.value)
    assert caught.value.exit_code == 3
    assert manifest["files"][0]["sha256"][:12] in str(caught.value)


def test_cores_that_are_not_there_are_a_wrong_argument_for_all(root: Path, tmp_path: Path) -> None:
    names = [str(root / "tiny" / one) for one in ("tflite-fp32", "tflite-int8")]
    outcome = profile(names, cores="4096", artifacts_root=root, reports_root=tmp_path / "reports", limits=SHORT)
    with pytest.raises(UsageError, match="2 of 2 artifacts could not be measured") as caught:
        outcome.raise_failures()
    assert caught.value.exit_code == 2
    assert "--cores" in caught.value.hint


def test_the_only_artifact_fails_with_its_own_error(root: Path, tmp_path: Path) -> None:
    model = root / "tiny" / "tflite-fp32" / "model.tflite"
    model.write_bytes(b"broken")
    outcome = profile([str(model)], artifacts_root=root, reports_root=tmp_path / "reports", limits=SHORT)
    with pytest.raises(UsageError, match="not the file that was verified"):
        outcome.raise_failures()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"runtime": "tensorrt"}, "unknown runtime 'tensorrt'"),
        ({"device": "rpi4"}, "unknown device 'rpi4'"),
        ({"threads": (0,)}, "--threads must be at least 1, got 0"),
        ({"threads": ()}, "--threads must be at least 1, got none"),
    ],
)
def test_wrong_arguments(root: Path, tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        profile([], artifacts_root=root, reports_root=tmp_path, **arguments)  # type: ignore[arg-type]


def test_each_thread_count_is_a_measurement(root: Path, tmp_path: Path) -> None:
    one = [str(root / "tiny" / "onnx-fp32")]
    outcome = profile(one, threads=(1, 2, 2), artifacts_root=root, reports_root=tmp_path / "reports", limits=SHORT)
    assert [m.threads for m in outcome.measurements] == [1, 2]
    assert {path.stem[-3:] for path in outcome.reports} == {"-t1", "-t2"}


def test_a_resumed_run_measures_what_is_missing(root: Path, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    profile([str(root / "tiny" / "onnx-fp32")], artifacts_root=root, reports_root=reports, limits=SHORT)
    outcome = profile([], artifacts_root=root, reports_root=reports, limits=SHORT, resume=True)
    assert [m.profile for m in outcome.measurements] == ALL[1:]
    assert outcome.skipped == 1
    again = profile([], artifacts_root=root, reports_root=reports, limits=SHORT, resume=True)
    assert (again.measurements, again.skipped) == ([], 4)


def test_artifacts_take_turns(root: Path, tmp_path: Path, heard: Any) -> None:
    (root / "tiny" / "openvino-fp32" / "model.bin").write_bytes(b"")
    outcome = profile(
        [], artifacts_root=root, reports_root=tmp_path / "reports", limits=SHORT, rounds=2, progress=heard
    )
    begun = [event.about[0] for event in heard.events if event.text == "latency"]
    assert begun == [
        f"{number}/4 round {turn}/2 tiny/{name}"
        for turn in (1, 2)
        for number, name in enumerate(ALL, 1)
        if name != "openvino-fp32"  # its files are not those of the manifest: it is out from the first round on
    ]
    assert [failure.artifact for failure in outcome.failures] == ["tiny/openvino-fp32"]
    for measurement in outcome.measurements:
        assert measurement.rounds is not None
        assert len(measurement.rounds) == 2
        assert measurement.peak_rss_bytes is not None
    assert [load(path) for path in outcome.reports] == outcome.measurements


def test_no_rounds_are_none(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--rounds must be at least 1, got 0"):
        profile([], artifacts_root=root, reports_root=tmp_path / "reports", rounds=0)
