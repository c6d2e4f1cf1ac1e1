"""Networks of a user's own: their forms are built, measured for real, and the fastest is kept."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.artifacts.own.network import OwnOptions
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.bench.session import Limits
from edgekit.catalog import profile_for
from edgekit.errors import UsageError
from edgekit.forms.own import own_forms
from edgekit.tuning.choose import Wishes
from edgekit.tuning.own import OwnTuned
from edgekit.tuning.place import Place, find_place
from edgekit.verbs.export_own import opened
from edgekit.verbs.tune_own import tune_own
from tests.support.own import exported

SHORT = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=10, min_s=0.0, max_s=0.2)
CODE = """
import torch
from torch import nn

def build():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(), nn.Conv2d(8, 16, 1), nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5),
    )
    network[1].running_mean.normal_(0, 0.3)
    network[1].running_var.uniform_(0.5, 2)
    return network.eval()

def example_inputs():
    return torch.rand(1, 3, 32, 32)
"""


@pytest.fixture(autouse=True)
def network(tmp_path, monkeypatch) -> Path:
    """Code in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "net.py").write_text(CODE)
    return tmp_path


@pytest.fixture
def place() -> Place:
    """This machine, looked at briefly, however busy it is."""
    return replace(find_place("local", 1, silent, limits=SHORT, looks=(5,)), spare=math.inf)


def tuned(name: str, format_: str, precision: str, place: Place, wishes: Wishes = Wishes()):  # noqa: B008 - frozen
    """What came of one."""
    options = OwnOptions(out=Path("out"))
    (outcome,) = tune_own(name, [profile_for(format_, precision)], options, [name], place, wishes, silent)
    return outcome


@pytest.mark.slow
def test_the_forms_of_code_are_measured_and_int8_against_float(place):
    outcome = tuned("net.py", "tflite", "int8", place)
    assert outcome.status == "converted", outcome.error
    artifact = read_manifest(Path("out") / "net" / "tflite-int8").artifact
    assert artifact == outcome.artifact
    outcomes = {form.name: form.outcome for form in artifact.tuning.forms}
    assert outcomes["as-written"] == "base"
    assert outcomes["shift"] == "same graph"  # there is nothing of it in this network
    assert outcomes["no-rewrites"] in ("faster", "no faster", "slower", "undecided")
    reasons = {form.name: form.reason for form in artifact.tuning.forms}
    assert reasons["all-int8"] == "as-written leaves nothing in float"
    assert artifact.form.by == "tuning"
    assert artifact.int8_vs_float.ratio.pairs == 5
    assert artifact.tuning.conditions.target == artifact.target == place.target
    assert (outcome.folder / "use").is_dir()
    assert not (Path("config")).exists()  # no table knows networks of one's own
    if artifact.form.name != "as-written":
        assert outcome.note == f"edgekit export takes this form with --form {artifact.form.name}"
        assert artifact.command.endswith(f"--form {artifact.form.name}")


@pytest.mark.slow
def test_a_file_that_is_not_fast_enough_is_not_kept(place):
    made = exported("net.py", "onnx")
    file = made.folder / made.artifact.model_file
    outcome = tuned(str(file), "onnx", "int8", place, Wishes(forms=False, speedup=1000.0))
    assert outcome.status == "not fast enough", outcome.error
    assert "float32 takes" in str(outcome.error)
    assert not Path("out").exists()


def test_forms_that_do_the_same_are_left_out():
    profile = profile_for("onnx", "fp32")
    forms = list(own_forms(profile, "x86-avx2").values())
    with opened("net.py", forms, OwnOptions(), ["net.py"], silent) as network:
        paths = {network.program(form.rewrites).path for form in forms}
        distinct, others = OwnTuned(network).distinct(forms)
    assert [form.form for form in distinct] == ["as-written", "no-rewrites"]
    assert len(paths) == 2  # what does the same is traced once
    assert {form.outcome for form in others} == {"same graph"}


def test_somebody_elses_folder_is_left_alone(place):
    mine = Path("out") / "net" / "onnx-fp32"
    mine.mkdir(parents=True)
    (mine / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        tuned("net.py", "onnx", "fp32", place)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
