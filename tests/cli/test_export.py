"""``edgekit export`` as typed: what it prints, what it answers to nonsense, and that nonsense leaves nothing."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.catalog import MODELS, PROFILES, builtin_folder
from edgekit.types import Artifact

CARD = (builtin_folder(MODELS) / "squeezenet_1.1.toml").read_text()
PROFILE = (builtin_folder(PROFILES) / "onnx-int8.toml").read_text()


@pytest.fixture
def card(project: Path) -> Path:
    """SqueezeNet 1.1 at 64 pixels with 20 classes, as ``small`` in the project's own models."""
    text = CARD.split("[[weights]]")[0].replace('id = "squeezenet_1.1"', 'id = "small"').replace("224", "64")
    text = text.replace("resize = 256", "resize = 72").replace("num_classes = 1000", "num_classes = 20")
    path = project / "models" / "small.toml"
    path.parent.mkdir()
    path.write_text(re.sub("^aliases = .*$", "", text, flags=re.MULTILINE))
    return path


def refused(done, code: int, cause: str, step: str) -> None:
    """One line for the cause, one for the next step (a long list is wrapped), the exit code, a silent stdout."""
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert cause in lines[0], done.stderr
    assert len(lines) >= 2, done.stderr
    assert lines[1].startswith("  try: ")
    assert all(line.startswith("       ") for line in lines[2:]), done.stderr
    assert step in lines[1], done.stderr


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


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
        (["squeezenet", "-f", "onnx", "--tune", "--threads", "0"], "--threads must be at least 1, got 0", "1"),
        (["squeezenet", "-f", "onnx", "--require-speedup"], "onnx-fp32 is not int8", "add --int8"),
        (["squeezenet", "-f", "onnx", "--int8", "--min-speedup", "-1"], "must be a number above 0, got -1", "1 asks"),
        (["squeezenet", "-f", "onnx", "--int8", "--min-speedup", "nan"], "must be a number above 0, got nan", "1 asks"),
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


# Checkpoints


class Payload:
    """Pickles to a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def checkpoint(kind: str, folder: Path) -> Path:
    """A checkpoint for ``small`` that is wrong in one way."""
    import torch

    from edgekit.catalog import find_card
    from edgekit.zoo.registry import create

    path = folder / f"{kind.replace(' ', '_')}.pth"
    state = create(find_card(str(folder / "models" / "small.toml"))).state_dict()
    if kind == "wrong shape":
        state["classifier.1.weight"] = state["classifier.1.weight"][:10]
    if kind == "missing key":
        del state["classifier.1.bias"]
    if kind == "not finite":
        state["classifier.1.bias"][3] = float("nan")
    if kind == "overflow":
        state["features.0.weight"].fill_(1e38)
    if kind == "code":
        state["payload"] = Payload(folder / "code-has-run")
    if kind == "plain pickle":
        path.write_bytes(pickle.dumps({"payload": Payload(folder / "code-has-run")}))
        return path
    if kind == "safetensors":
        path = path.with_suffix(".safetensors")
        path.write_bytes(b'\x10\0\0\0\0\0\0\0{"x": ')
        return path
    torch.save(state, path)
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-5000])
    if kind == "empty":
        path.write_bytes(b"")
    if kind == "text":
        path.write_text("these are no weights")
    return path


@pytest.mark.parametrize(
    ("kind", "code", "cause"),
    [
        ("truncated", 2, "cannot be read as a checkpoint"),
        ("empty", 2, "cannot be read as a checkpoint: it is empty"),
        ("text", 2, "begins with b'these are no wei'"),
        ("safetensors", 2, "is not a whole safetensors file"),
        ("wrong shape", 2, "does not fit this network"),
        ("missing key", 2, "does not fit this network"),
        ("code", 2, "is refused: it calls a function that it has put together itself"),
        ("plain pickle", 2, "is refused: it is a pickle that can do more than hold tensors"),
        ("not finite", 2, "parameter classifier.1.bias holds 1 of 20 values that are not finite"),
        ("overflow", 2, "the output of layer features.0 (Conv2d) is not finite for parity image 1 of 16"),
    ],
)
def test_wrong_checkpoint(edgekit, project, card, kind, code, cause):
    path = checkpoint(kind, project)
    before = files(project)
    done = edgekit("export", "small", "-f", "all", "-w", path, "--json")
    refused(done, code, cause, "")
    assert files(project) == before
    assert not (project / "code-has-run").exists()


def test_payload_would_have_run(tmp_path):
    """The pickle of the test above does what it threatens, where it is let."""
    pickle.loads(pickle.dumps(Payload(tmp_path / "code-has-run")))
    assert (tmp_path / "code-has-run").exists()


# Images


def images(kind: str, folder: Path) -> Path:
    """A source of images that is wrong in one way."""
    photos = folder / "photos"
    if kind == "missing":
        return photos
    photos.mkdir()
    if kind == "no image":
        (photos / "notes.txt").write_text("no photo")
    if kind == "broken":
        (photos / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    if kind == "wrong array":
        np.savez(folder / "a.npz", images=np.zeros((2, 3, 64, 64), np.uint8))
        return folder / "a.npz"
    if kind == "other array":
        np.savez(folder / "a.npz", pictures=np.zeros((2, 64, 64, 3), np.uint8))
        return folder / "a.npz"
    if kind == "no npz":
        (folder / "a.npz").write_bytes(b"text")
        return folder / "a.npz"
    return photos


@pytest.mark.parametrize("option", ["--calibration", "--parity-data"])
@pytest.mark.parametrize(
    ("kind", "cause", "step"),
    [
        ("missing", "no folder of images at", "synthetic"),
        ("empty", "holds no image (0 other files)", ".jpg"),
        ("no image", "holds no image (1 other files)", ".jpg"),
        ("broken", "a.jpg is not a readable image", "remove it"),
        ("wrong array", "images is uint8 [2, 3, 64, 64]", "uint8 [N, H, W, 3]"),
        ("other array", "holds no array named images", "np.savez"),
        ("no npz", "cannot read", "np.savez"),
    ],
)
def test_wrong_images(edgekit, project, card, option, kind, cause, step):
    path = images(kind, project)
    before = files(project)
    done = edgekit("export", "small", "-f", "onnx", "--int8", option, path)
    refused(done, 2, cause, step)
    assert files(project) == before


def test_images_that_int8_cannot_be_calibrated_on(edgekit, project, card):
    np.savez(project / "black.npz", images=np.zeros((3, 64, 64, 3), np.uint8))
    before = files(project)
    done = edgekit("export", "small", "-f", "all", "--int8", "--calibration", "black.npz")
    assert done.returncode == 2, done.stderr
    cause = "the calibration images are 3, each of a single colour (first [0, 0, 0]): int8 ranges cannot follow"
    assert done.stderr.count(cause) == 3
    assert "3 failed to convert" in done.stderr
    assert files(project) == before


def test_saturated_calibration_is_said_and_kept(edgekit, project, card):
    images = np.random.default_rng(0).choice(np.uint8([0, 255]), (3, 64, 64, 3))
    np.savez(project / "hard.npz", images=images)
    done = edgekit("export", "small", "-f", "tflite", "--int8", "--calibration", "hard.npz", "--json")
    assert "100% of the calibration images' values are saturated" in done.stderr, done.stderr
    (outcome,) = json.loads(done.stdout)
    assert any("saturated" in note for note in outcome["manifest"]["notes"])


# Disks


def test_read_only_output(edgekit, card, read_only):
    done = edgekit("export", "small", "-f", "onnx", "--out", read_only / "artifacts")
    refused(done, 3, "Read-only file system", "--out")


def test_output_that_is_a_file(edgekit, project, card):
    (project / "taken").write_text("x")
    done = edgekit("export", "small", "-f", "onnx", "--out", "taken")
    refused(done, 2, "taken is a file where a folder is to be", "name another folder")


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_full_disk(edgekit, card, small_disk, format_):
    """The disk is smaller than the model: the converter, a native one too, fails, and that is said."""
    done = edgekit("export", "small", "-f", format_, "--out", small_disk, "--json")
    (outcome,) = json.loads(done.stdout)
    assert outcome["status"] != "converted"
    assert done.returncode in (1, 3)
    assert not [*small_disk.iterdir()]


def test_full_temporary_folder(edgekit, project, card, small_disk):
    (small_disk / "filler").write_bytes(bytes(200_000))
    done = edgekit("export", "small", "-f", "onnx", TMPDIR=str(small_disk))
    refused(done, 3, "", str(small_disk))
    assert "No space left on device" in done.stderr or "the disk is full" in done.stderr
    assert files(small_disk) == {"filler"}
    assert not files(project / "artifacts")


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


# Help


COMMANDS = [[], ["export"], ["models"], ["models", "list"], ["models", "show"], ["profile"], ["report"], ["doctor"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(edgekit, command):
    done = edgekit(*command, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "Usage: edgekit" in done.stdout
    assert edgekit(*command, "-h").stdout == done.stdout


def leaves(command, path=()):
    """Every command of the program, with its words."""
    for name, sub in getattr(command, "commands", {}).items():
        yield (*path, name), sub
        yield from leaves(sub, (*path, name))


def test_every_option_and_command_says_what_it_does():
    import typer

    from edgekit.cli import app

    found = dict(leaves(typer.main.get_command(app)))
    assert {tuple(command) for command in COMMANDS if command} <= set(found)
    for words, command in found.items():
        assert command.help, words
        for parameter in command.params:
            if "--help" not in parameter.opts:
                assert getattr(parameter, "help", None), (words, parameter.name)


def test_export_help_names_every_option_but_those_of_tune(edgekit):
    import typer

    from edgekit.cli import app

    export = dict(leaves(typer.main.get_command(app)))[("export",)]
    shown = set(re.findall(r"(?<!\w)--?[\w-]+", edgekit("export", "--help", COLUMNS="200").stdout))
    for parameter in export.params:
        for option in parameter.opts:
            if option.startswith("-"):
                assert (option in shown) is not parameter.hidden, option


def test_as_a_module(edgekit, project):
    done = subprocess.run([sys.executable, "-m", "edgekit", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout == edgekit("--version").stdout
    assert re.fullmatch(r"edgekit \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(("flag", "traceback"), [([], False), (["--debug"], True)])
def test_debug_shows_the_traceback(edgekit, project, flag, traceback):
    program = str(Path(sys.executable).with_name("edgekit"))
    command = [program, *flag, "export", "nothing-like-it", "-f", "onnx"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert ("Traceback" in done.stderr) is traceback
    assert "unknown model 'nothing-like-it'" in done.stderr
