"""``ranges = "auto"``: without outliers where outliers waste the codes, min-max where nothing is to be cut."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from edgekit.artifacts.manifest import profile_words
from edgekit.artifacts.prepare import ExportOptions
from edgekit.catalog import profile_for
from edgekit.convert.int8.range_choice import choose_ranges
from edgekit.convert.int8.simulation import scheme_of
from edgekit.errors import UsageError
from edgekit.forms.profiles import choose_profiles
from edgekit.passes.name_layers import name_layers
from edgekit.types import ExportProfile
from edgekit.verbs.export import export

SETTINGS = profile_for("onnx", "int8").quantization.model_copy(update={"ranges": "auto"})


def chosen(inputs: torch.Tensor) -> tuple[str, dict[str, float]]:
    """What is chosen for a convolution that reads these, and the figures that the reason tells."""
    torch.manual_seed(0)
    network = torch.fx.symbolic_trace(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(8, 4)).eval()
    )
    scheme = scheme_of(SETTINGS, "x86-vnni", "onnx")
    best, reason = choose_ranges(network, name_layers(network), inputs, SETTINGS, scheme, frozenset())
    judged = re.match(r"by simulated SQNR on (\d+) calibration images: ", reason)
    assert judged is not None
    assert judged[1] in (("4", "16") if best.ranges == "min-max" else ("16",))
    return best.ranges, {way: float(db) for way, db in re.findall(r"((?:\d )?[a-z-]+) (-?[\d.]+) dB", reason)}


def test_outliers_are_cut_off():
    images = torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images[1, 0, 3, 3] = 3000.0  # the ReLU6 keeps it from the scores
    ranges, decibels = chosen(images)
    assert ranges == "outliers"
    assert decibels["8 outliers"] > decibels["min-max"] + 0.5


def test_values_that_matter_are_not():
    images = torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.01
    images[:, :, 0, 0] = 30.0  # what the scores come from
    images[:, :, 1:, :] = 0.0
    ranges, decibels = chosen(images.repeat(1, 1, 4, 4))
    assert ranges == "min-max"
    assert set(decibels) == {"min-max", "8 outliers", "2 outliers"}


def test_the_option_and_its_command():
    (profile,) = choose_profiles("openvino", int8=True)
    assert (profile.name, profile.quantization.ranges) == ("openvino-int8", "auto")
    (profile,) = choose_profiles("openvino", int8=True, ranges="mse")
    assert (profile.name, profile.quantization.ranges) == ("openvino-int8-ranges-mse", "mse")
    assert profile_words(profile, {})[:4] == ["--profile", "openvino-int8", "--ranges", "mse"]
    with pytest.raises(UsageError, match="unknown --ranges 'atuo'") as raised:
        choose_profiles("onnx", int8=True, ranges="atuo")
    assert "auto" in str(raised.value.hint)


@pytest.mark.slow
def test_the_manifest_tells_the_choice(card_file, tmp_path):
    base = profile_for("tflite", "int8")
    parity = base.parity.model_copy(update={"min_cosine": 0.5, "min_sqnr_db": 3.0, "min_image_sqnr_db": None})
    profile = ExportProfile.model_validate(
        {
            **base.model_dump(),
            "parity": parity.model_dump(),
            "quantization": SETTINGS.model_dump(),
            "target": "x86-avx2",
        }
    )
    (outcome,) = export([str(card_file)], [profile], ExportOptions(out=tmp_path), print)
    assert outcome.status == "converted", outcome.error
    said = outcome.artifact.quantization
    decibels = {way: float(db) for way, db in re.findall(r"((?:\d )?[a-z-]+) (-?[\d.]+) dB", said["ranges_chosen"])}
    best = max(decibels, key=lambda way: decibels[way])
    assert said["ranges"] == {"min-max": "min-max", "8 outliers": "outliers 8", "2 outliers": "outliers 2"}[best]
    assert "--profile tflite-int8 " in outcome.artifact.command
