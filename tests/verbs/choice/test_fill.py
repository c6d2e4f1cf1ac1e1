"""``pick --measure``: what is missing, within a time."""

import shutil
from pathlib import Path

import pytest

from edgekit.errors import NotComparableError, ToolError, UsageError
from edgekit.verbs.choice import fill as module
from edgekit.verbs.choice.fill import fill
from edgekit.verbs.profile import Profiled


@pytest.fixture
def root(tiny: Path, tmp_path: Path) -> Path:
    for profile in ("onnx-fp32", "tflite-fp32", "tflite-int8"):
        shutil.copytree(tiny / profile, tmp_path / "artifacts" / "tiny" / profile)
    return tmp_path / "artifacts"


@pytest.fixture
def asked(monkeypatch):
    """The folders that were to be measured; each takes 10 s of a clock of its own."""
    found: list[str] = []
    now = [0.0]

    def profile(names, *_args, **_options):
        found.extend(Path(name).name for name in names)
        now[0] += 10.0
        if "tflite-fp32" in names[0]:
            raise ToolError("it crashed")
        return Profiled()

    monkeypatch.setattr(module, "profile", profile)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return found


def test_what_is_there_is_left_out_and_the_rest_is_measured(root, tmp_path, monkeypatch, heard):
    reports = tmp_path / "reports"
    calls = []
    real = module.profile

    def short(names, device, **options):
        from edgekit.bench.session import Limits

        calls.append(Path(names[0]).name)
        limits = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=20, min_s=0.01, max_s=0.2)
        return real(names, device, limits=limits, **options)

    monkeypatch.setattr(module, "profile", short)
    first = fill("local", 600, [str(root / "tiny" / "onnx-fp32")], artifacts=root, reports=reports, progress=heard)
    assert first.measured == ("tiny/onnx-fp32",)
    assert [path.name for path in (reports / "local").glob("*.json")] == ["tiny__onnx-fp32__onnxruntime-cpu-t1.json"]
    calls.clear()
    again = fill("local", 600, [str(root / "tiny" / "onnx-fp32")], artifacts=root, reports=reports)
    assert (again.measured, again.left, calls) == ((), (), [])


def test_the_time_ends_it_and_what_is_left_is_named(root, tmp_path, asked, heard):
    done = fill("local", 25, artifacts=root, reports=tmp_path, progress=heard)
    assert len(asked) == 2
    assert len(done.left) == 1
    everything = fill("local", 100, artifacts=root, reports=tmp_path, progress=heard)
    assert everything.left == ()
    assert [(one.artifact, str(one.error)) for one in everything.failures] == [("tiny/tflite-fp32", "it crashed")]
    assert len(everything.measured) == 2


def test_no_time_no_device_and_an_emulated_one_are_refused(root, tmp_path):
    with pytest.raises(UsageError, match="--budget must be above 0"):
        fill("local", 0, artifacts=root, reports=tmp_path)
    with pytest.raises(NotComparableError, match="emulated"):
        fill("virtual-rpi4", 60, artifacts=root, reports=tmp_path)
