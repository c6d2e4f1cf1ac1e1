"""A network whose layers share constants: every format keeps exactly the declared ones in float."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.artifacts.children.network import converter
from edgekit.bench.launch import ThisMachine, ask_agent
from edgekit.catalog import profile_for
from edgekit.convert.int8.float_layers import float_layers
from edgekit.convert.job import Job
from edgekit.passes.name_layers import name_layers
from edgekit.passes.pipeline import apply_rewrites
from edgekit.types import RUNTIME_OF, Preprocessing
from edgekit.types.answers import InspectAnswer
from edgekit.verify.audit import audit

FORMATS = ("onnx", "tflite", "openvino")
COMPUTE = {"first": "conv", "second": "conv", "third": "conv", "last": "linear"}


class Shared(nn.Module):
    """Three equal convolutions behind equal hard-swishes, each with the same bias, and sums with one constant."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.third = (nn.Conv2d(3 if i == 0 else 8, 8, 3, padding=1) for i in range(3))
        self.act1, self.act2, self.act3 = nn.Hardswish(), nn.Hardswish(), nn.Hardswish()
        self.third.load_state_dict(self.second.state_dict())
        for conv in (self.second, self.third):
            conv.bias.data = self.first.bias.data.clone()
        self.last = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.act1(self.first(x))
        b = self.act2(self.second(a))
        c = self.act3(self.third(b)) + a
        return self.last((c + b).mean((2, 3)))


class Stemmed(nn.Module):
    """The stem of a ShuffleNet, and what reads it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.act1, self.pool = nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        self.left, self.right = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.last = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.pool(self.act1(self.first(x)))
        return self.last((self.left(a) + self.right(a)).mean((2, 3)))


def made(
    folder: Path, format_: str, patterns: tuple[str, ...], rewrites: bool = True, network: type[nn.Module] = Shared
):
    """The converted file's audit, and the layers kept."""
    base = profile_for(format_, "int8")
    quantization = base.quantization.model_copy(update={"keep_float": patterns, "ranges": "min-max"})
    changes = {"quantization": quantization, "rewrites": base.rewrites if rewrites else ()}
    profile = base.model_copy(update=changes)
    rewritten, _ = apply_rewrites(network().eval(), profile.rewrites, torch.zeros(1, 3, 16, 16))
    layers = name_layers(rewritten)
    kept = float_layers(layers, patterns)
    preprocessing = Preprocessing(resize=16, crop=16, mean=(0.5,) * 3, std=(0.5,) * 3)
    inputs = np.random.default_rng(0).normal(size=(8, 3, 16, 16)).astype(np.float32)
    by_name = {layer.name: layer for layer in layers}
    names = frozenset(layer.name for layer in kept)
    job = Job(rewritten, profile, "x86-avx2", preprocessing, inputs, folder, by_name, names)
    with torch.no_grad():
        converted = converter(format_)(job)
    file = folder / converted.files[0]
    request = {"runtime": RUNTIME_OF[format_], "model": str(file), "threads": 1}
    facts = ask_agent(InspectAnswer, ThisMachine(), request, {}, 120, "inspecting")
    compute = sum(bool({"conv", "linear"} & set(layer.kinds)) for layer in kept)
    nodes = frozenset(converted.float_nodes)
    return audit(facts, file, profile, converted.inputs, converted.outputs, nodes, compute), kept, facts, converted


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("patterns", "paths"),
    [
        (("@last",), {"last"}),
        (("second",), {"second", "act2"}),
        (("act1", "@last"), {"act1", "last"}),
    ],
)
def test_only_the_declared_layers_are_float(tmp_path, format_, patterns, paths):
    result, kept, facts, converted = made(tmp_path, format_, patterns)
    assert result.passed, result.failures
    assert {layer.path for layer in kept} == paths
    in_float = len(paths & set(COMPUTE))
    assert (result.float_compute_ops, result.int8_compute_ops) == (in_float, 4 - in_float)
    if format_ == "tflite":
        # TFLite executes the file's own operators, and the writer names each after its layer.
        in_float = {n.name for n in facts.executed if n.inputs[0] == "float32" and n.type != "QUANTIZE"}
        assert in_float == set(converted.float_nodes)
        # The one that makes the network's output is named after that.
        named = {"logits" if layer.path == "last" else layer.name for layer in kept}
        assert {name.split(";")[0].split(".")[0] for name in in_float} == named


@pytest.mark.parametrize("format_", FORMATS)
def test_a_stem_in_float_pools_in_float(tmp_path, format_):
    """ONNX Runtime would quantize in front of the pooling, whose int8 kernel is the slow one."""
    result, kept, facts, _ = made(tmp_path, format_, ("@stem",), network=Stemmed)
    assert result.passed, result.failures
    assert [layer.path for layer in kept] == ["first", "act1", "pool"]
    pooled = [n for n in facts.executed if n.type in ("MaxPool", "MAX_POOL_2D", "Pooling")]
    assert [n.inputs[0] for n in pooled] == ["float32"]


def test_layers_of_litert_torchs_file_cannot_be_told(tmp_path):
    """So that a profile without rewrites takes the direct writer as soon as it keeps layers in float."""
    result, kept, _, _ = made(tmp_path, "tflite", ("@last", "act1"), rewrites=False)
    assert result.passed, result.failures
    assert {layer.path for layer in kept} == {"last", "act1"}


def test_declared_layer_that_computes_in_int8_is_a_failure(tmp_path):
    """A mistaken owner is found even where the counts agree."""
    _, _, facts, converted = made(tmp_path, "tflite", ("second",))
    profile = profile_for("tflite", "int8")
    file = tmp_path / converted.files[0]
    wrong = frozenset(name.replace("second", "third") for name in converted.float_nodes) | {
        n.name for n in facts.executed if n.name.startswith("third")
    }
    result = audit(facts, file, profile, converted.inputs, converted.outputs, wrong, 1)
    assert any("to stay in float compute in int8" in failure for failure in result.failures)
    assert any("1 of 4 convolutions and matrix products execute in float" in failure for failure in result.failures)
