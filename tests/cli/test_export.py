"""``edgekit export`` as typed: what it prints, what it answers to nonsense, and that nonsense leaves nothing."""

from __future__ import annotations

import json
import re

import pytest

from edgekit.catalog import PROFILES, builtin_folder
from edgekit.types import Artifact
from tests.cli.exporting import CARD, files, refused

PROFILE = (builtin_folder(PROFILES) / "onnx-int8.toml").read_text()


# Words


@pytest.mark.parametrize(
    ("arguments", "cause", "step"),
    [
        (["mobilnet_v3", "-f", "onnx"], "unknown model 'mobilnet_v3'", "did you mean mobilenet_v3"),
        (["squeezenet", "-f", "onx"], "unknown format 'onx'", "did you mean onnx?"),
        (["squeezenet"], "no format given", "--format onnx, tflite, openvino or all"),
        (["squeezenet", "--profile", "onnx-int9"], "unknown export profile 'onnx-int9'", "onnx-int8"),
        (["squeezenet", "-f", "onnx", "--int8", "--io", "uint9"], "unknown --io 'uint9'", "uint8"),
        (["squeezenet", "-f", "onnx", "--target", "x86-vni"], "unknown --target 'x86-vni'", "x86-vnni"),
        (["squeezenet", "-f", "onnx", "--int8", "--fp16"], "--int8 and --fp16 contradict", "one of them"),
        (
            ["squeezenet", "-f", "onnx", "--profile", "onnx-int8"],
            "--profile and --format contradict each other",
            "a profile names its format and precision",
        ),
        (
            ["squeezenet", "--int8", "--profile", "onnx-int8"],
            "--profile and --int8 contradict each other",
            "a profile names its format and precision",
        ),
        (["squeezenet", "-f", "onnx", "--io", "int8"], "io = 'int8' needs precision = \"int8\"", "onnx-fp32"),
        (
            ["squeezenet", "-f", "tflite", "--int8", "--io", "int8", "--bake-preprocess"],
            'bake_preprocess = true takes uint8 pixels, which contradicts io = "int8"',
            "tflite-int8",
        ),
        (["squeezenet", "-f", "onnx", "-w", "none.pth"], "no checkpoint at none.pth", "pretrained or random"),
        (["mobilenet_v2_0.25", "-f", "onnx", "-w", "pretrained"], "has no public weights", "--weights FILE"),
        (["none.toml", "-f", "onnx"], "cannot read none.toml: No such file", "check the path"),
        (
            ["squeezenet", "-f", "onnx", "--form", "dense-frist"],
            "unknown form 'dense-frist' of onnx-fp32",
            "dense-first",
        ),
        (["squeezenet", "-f", "onnx", "--device", "local"], "--device says where to measure", "edgekit tune"),
        (["squeezenet", "-f", "onnx", "--cores", "big"], "--cores says where to measure", "edgekit tune"),
        (["squeezenet", "-f", "onnx", "--tune", "--cores", "fast"], "--cores takes big, little or core numbers", "2,3"),
        (["squeezenet", "-f", "onnx", "--tune", "--device", "virtual-rpi4"], "an emulated device", "a real device"),
        (["squeezenet", "-f", "onnx", "--tune", "--device", "nowhere"], "unknown device 'nowhere'", "devices add"),
        (["squeezenet", "-f", "onnx", "--require-speedup"], "onnx-fp32 is not int8", "add --int8"),
        (["squeezenet", "-f", "onnx", "--int8", "--min-speedup", "0"], "must be a number above 0, got 0", "1 asks"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_word(edgekit, project, arguments, cause, step, as_json):
    done = edgekit("export", *arguments, *(["--json"] if as_json else []))
    refused(done, 2, cause, step)
    assert files(project) == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export"], "no model given"),
        (["export", "squeezenet", "--fromat", "onnx"], "No such option"),
        (["export", "squeezenet", "--num-classes", "many"], "Invalid value for '--num-classes'"),
        (["export", "squeezenet", "--num-classes", "0"], "Invalid value for '--num-classes'"),
        (["export", "squeezenet", "--timeout", "0"], "Invalid value for '--timeout'"),
        (["exprot"], "No such command"),
    ],
)
def test_wrong_command_line(edgekit, arguments, said):
    done = edgekit(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in " ".join(re.sub("[│╭╮╰╯─]", " ", done.stderr).split())


@pytest.mark.parametrize(
    ("kind", "text", "cause", "step"),
    [
        ("model", CARD.replace("num_classes", "num_clases"), "unknown key 'num_clases'", "num_classes"),
        ("profile", PROFILE.replace("min_cosine", "min_cosin"), "unknown key 'parity.min_cosin'", "min_cosine"),
        ("profile", PROFILE.replace("fold_batch_norm", "fold_batchnorm"), "unknown rewrite 'fold_batchnorm'", "fold_"),
    ],
)
def test_wrong_toml(edgekit, project, card, kind, text, cause, step):
    (project / "mine.toml").write_text(text)
    before = files(project)
    arguments = ["mine.toml", "-f", "onnx"] if kind == "model" else ["small", "--profile", "mine.toml"]
    done = edgekit("export", *arguments)
    assert done.returncode == 2, done.stderr
    assert cause in done.stderr
    assert step in done.stderr.split("try:")[1]
    assert files(project) == before


@pytest.mark.parametrize(("kind", "key", "text"), [("model", "id", CARD), ("profile", "name", PROFILE)])
def test_a_name_that_is_a_path_touches_nothing(edgekit, project, card, kind, key, text):
    """It replaced the folder that stood there, with exit code 0."""
    precious = project.parent / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    out = project / "a" / "b"
    value = "../../../precious" if kind == "model" else "../../../../precious"
    (project / "mine.toml").write_text(re.sub(rf'^{key} = ".*"$', f'{key} = "{value}"', text, flags=re.MULTILINE))
    arguments = ["mine.toml", "-f", "onnx"] if kind == "model" else ["small", "--profile", "mine.toml"]
    done = edgekit("export", *arguments, "--out", str(out))
    refused(done, 2, f"mine.toml: {key}: a name is letters", "correct it")
    assert repr(value) in done.stderr
    assert files(precious) == {"thesis.txt"}
    assert not out.exists()


def test_a_folder_of_somebody_else_is_not_replaced(edgekit, project, card):
    theirs = project / "artifacts" / "small" / "onnx-fp32"
    theirs.mkdir(parents=True)
    (theirs / "thesis.txt").write_text("years of work")
    done = edgekit("export", "small", "-f", "onnx")
    refused(done, 2, "is a folder that edgekit did not make, so it is not replaced; it holds 'thesis.txt'", "move it")
    assert files(theirs) == {"thesis.txt"}


# Done


@pytest.mark.slow
def test_json_and_text(edgekit, project, card):
    done = edgekit("export", "small", "-f", "onnx", "--json")
    assert done.returncode == 0, done.stderr
    (outcome,) = json.loads(done.stdout)
    artifact = Artifact.from_plain(outcome["manifest"])
    folder = project / outcome["folder"]
    assert folder == project / "artifacts" / "small" / "onnx-fp32"
    assert Artifact.model_validate_json((folder / "manifest.json").read_text()) == artifact
    assert (outcome["status"], outcome["error"], outcome["hint"]) == ("converted", None, None)
    assert "weights: random (seed 0): latency is valid, accuracy is not claimed" in done.stderr
    assert "form of small onnx-fp32: default" in done.stderr
    assert "next: edgekit profile artifacts/small/onnx-fp32" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert "\r" not in done.stderr


@pytest.mark.slow
def test_failed_verification_is_exit_code_1(edgekit, project, card):
    text = re.sub("min_sqnr_db = .*", "min_sqnr_db = 500.0", PROFILE).replace('"onnx-int8"', '"hard"')
    (project / "export_profiles").mkdir()
    (project / "export_profiles" / "hard.toml").write_text(text)
    before = files(project)
    done = edgekit("export", "small", "--profile", "hard", "--profile", "onnx-fp32", "--json")
    assert done.returncode == 1, done.stderr
    failed, good = json.loads(done.stdout)
    assert (failed["status"], good["status"]) == ("failed to verify", "converted")
    assert "dB is below 500 dB" in failed["error"]
    assert failed["hint"]
    assert failed["manifest"] is None
    assert "1 converted, 1 failed to verify" in done.stderr
    assert {name.split("/")[2] for name in files(project) - before} == {"onnx-fp32"}


TABLE = """
target = "x86-avx2"
[[known]]
network = "squeezenet"
format = "onnx"
precision = "int8"
form = "default"
takes = "fp32"
measured = true
[known.int8_vs_float]
ratio = 0.5
low = 0.4
high = 0.6
pairs = 10
model = "squeezenet_1.1"
cpu = "a CPU"
runtime_version = "1"
"""


@pytest.mark.slow
def test_float_where_the_table_knows_that_int8_does_not_pay(edgekit, project, card):
    path = project / "export_profiles" / "defaults" / "x86-avx2.toml"
    path.parent.mkdir(parents=True)
    path.write_text(TABLE)
    done = edgekit("export", "small", "-f", "onnx", "--int8", "--target", "x86-avx2", "--json")
    assert done.returncode == 0, done.stderr
    (outcome,) = json.loads(done.stdout)
    assert (outcome["profile"], outcome["manifest"]["precision"]) == ("onnx-fp32", "fp32")
    assert "note    onnx-fp32 instead of onnx-int8: int8 does not pay here: float32 / int8 latency 0.50x" in done.stderr
    assert "--form default makes int8 all the same" in outcome["note"]


def test_a_table_of_defaults_with_a_mistake_stops_the_export(edgekit, project, card):
    path = project / "export_profiles" / "defaults" / "x86-avx2.toml"
    path.parent.mkdir(parents=True)
    path.write_text(TABLE.replace("takes", "take"))
    done = edgekit("export", "small", "-f", "onnx", "--int8", "--target", "x86-avx2")
    refused(done, 2, "x86-avx2.toml: unknown key 'known.0.take'", "did you mean takes")
