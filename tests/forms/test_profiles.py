"""Which profile a command line means, and by which options it is named again."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

import pytest

from edgekit.artifacts.manifest import profile_words
from edgekit.catalog import PROFILES, builtin_folder, find_profile
from edgekit.errors import UsageError
from edgekit.forms.profiles import choose_profiles, formats, override
from edgekit.types import ExportProfile, Overrides


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give the project a profile like the built-in ``onnx-int8`` under another name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / PROFILES).mkdir()
    builtin = (builtin_folder(PROFILES) / "onnx-int8.toml").read_text()

    def write(name: str, more: str = "") -> ExportProfile:
        text = more + builtin.replace('name = "onnx-int8"', f'name = "{name}"')
        (tmp_path / PROFILES / f"{name}.toml").write_text(text)
        return find_profile(name)

    return write


@pytest.mark.parametrize(
    "name", ["mine-baked", "mine-io-int8", "mine-ranges-mse", "mine-ranges-mse-io-uint8-baked", "mine-opset15"]
)
def test_an_own_name_is_no_option(own, name):
    profile = own(name)
    assert (profile.base, profile.overrides) == (name, Overrides())
    assert profile_words(profile.model_copy(update={"form": "as-written"}), {}) == ["--profile", name]


@pytest.mark.parametrize(
    ("name", "options", "folder", "words"),
    [
        ("onnx-int8", {"io": "uint8"}, "onnx-int8-io-uint8", "--io uint8"),
        ("mine-baked", {"ranges": "mse"}, "mine-baked-ranges-mse", "--ranges mse"),
        (
            "mine-io-int8",
            {"io": "uint8", "ranges": "mse", "bake_preprocess": True, "opset": 15, "ir_version": 9},
            "mine-io-int8-io-uint8-ranges-mse-baked-opset15-ir9",
            "--io uint8 --ranges mse --bake-preprocess --opset 15 --ir-version 9",
        ),
    ],
)
def test_what_the_command_line_changed_is_kept_as_fields(own, name, options, folder, words):
    if name != "onnx-int8":
        own(name)
    (profile,) = choose_profiles(None, profiles=[name], **options)
    assert (profile.name, profile.base, profile.overrides) == (folder, name, Overrides(**options))
    said = profile_words(profile.model_copy(update={"form": "as-written"}), {})
    assert shlex.join(said) == f"--profile {name} {words}"
    assert profile_words(profile, {name: "a/file.toml"})[:2] == ["--profile", "a/file.toml"]


def test_what_the_profile_has_already_is_no_change(own):
    profile = own("mine")
    assert override(profile, {"io": profile.io, "ranges": profile.quantization.ranges}) == profile


def test_a_change_that_gives_the_name_of_another_profile_is_refused(own):
    own("onnx-int8-baked")
    with pytest.raises(UsageError) as caught:
        choose_profiles("onnx", int8=True, bake_preprocess=True)
    assert str(caught.value) == (
        "--profile onnx-int8 --bake-preprocess would write into the folder of another profile, 'onnx-int8-baked'"
    )
    assert caught.value.hint.startswith("take that one, --profile onnx-int8-baked")


@pytest.mark.parametrize("line", ['base_profile = "onnx-int8"\n', "overrides = {}\n"])
def test_a_file_cannot_claim_to_be_derived(own, line):
    assert tomllib.loads(line)
    with pytest.raises(UsageError, match=f"mine.toml: unknown key '{line.split()[0]}'"):
        own("mine", line)


def test_several_formats():
    """In the order of all, each once, however they are written."""
    assert formats("tflite, onnx,tflite") == ("onnx", "tflite")
    assert formats("all") == ("onnx", "tflite", "openvino")
    with pytest.raises(UsageError, match="unknown format 'tflit'") as caught:
        formats("onnx,tflit")
    assert "tflite" in caught.value.hint
