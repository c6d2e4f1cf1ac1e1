"""A user's network as PyTorch's users write them: traced, with all of its tensors by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from edgekit.artifacts.children.own_network import trace
from edgekit.artifacts.own.inputs import spec_of_sized
from edgekit.artifacts.own.requests import OwnSource, Traced, TraceRequest
from edgekit.errors import UsageError
from edgekit.verify.sets_of_inputs import random_inputs

BEGIN = """
import collections, dataclasses, torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.head = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.Linear(8, 4)
"""
END = """
def build():
    return Net()

def example_inputs():
    return torch.rand(1, 3, 8, 8)
"""
SCORES = "self.head(self.norm(self.conv(x)).relu().mean((2, 3)))"
KINDS = {
    "dataclass": (
        (
            f"    def forward(self, x):\n        y = {SCORES}\n        return Out(y, [y * 2, y * 3], None)\n"
            "@dataclasses.dataclass\nclass Out:\n    logits: object\n    maps: object\n    loss: object\n"
        ),
        ("logits", "maps", "output_2"),
    ),
    "dict of its own kind": (
        (
            f"    def forward(self, x):\n        return Kept(scores={SCORES}, hidden=None)\n"
            "class Kept(collections.OrderedDict):\n    pass\n"
        ),
        ("scores",),
    ),
    "dict of dicts": (
        (
            f"    def forward(self, x):\n        y = {SCORES}\n"
            "        return {'a': (y, {'deep': y * 2}), 'b': [y * 3]}\n"
        ),
        ("a", "deep", "b"),
    ),
    "dict in a tuple": (
        f"    def forward(self, x):\n        y = {SCORES}\n        return y, {{'k': y * 2}}\n",
        ("output", "k"),
    ),
    "none": (f"    def forward(self, x):\n        return {SCORES}, None\n", ("output",)),
    "booleans": (f"    def forward(self, x):\n        y = {SCORES}\n        return y > 0, y\n", ("output", "output_1")),
}


def traced(code: str, folder: Path, rewrites: tuple[str, ...] = ("fold_batch_norm",)) -> Traced:
    folder.mkdir(exist_ok=True)
    (folder / "net.py").write_text(code)
    sys.modules.pop("net", None)
    path = list(sys.path)
    try:
        source = OwnSource(place="net.py", factory="build", folder=folder)
        return trace(TraceRequest(source=source, weights=None, asked=(), rewrites=(rewrites,), folder=folder))
    finally:
        sys.path[:] = path
        sys.modules.pop("net", None)


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_of_every_kind_are_named_and_the_network_rewritten(kind: str, tmp_path: Path) -> None:
    code, names = KINDS[kind]
    made = traced(BEGIN + code + END, tmp_path)
    assert tuple(one.name for one in made.outputs) == names
    assert [(r.name, r.count) for r in made.programs[0].rewrites] == [("fold_batch_norm", 1)]
    program = torch.export.load(made.programs[0].path).module()  # where the user's classes are not known
    given = program(torch.rand(1, 3, 8, 8))
    assert len(given) == len(names)


@pytest.mark.parametrize(
    "wrap", ["torch.compile(Net())", "nn.DataParallel(Net())", "torch.compile(nn.DataParallel(Net()))"]
)
def test_a_wrapper_does_not_keep_a_network_from_being_rewritten(wrap: str, tmp_path: Path) -> None:
    code = (
        BEGIN + f"    def forward(self, x):\n        return {SCORES}\n" + END.replace("return Net()", f"return {wrap}")
    )
    assert [(r.name, r.count) for r in traced(code, tmp_path).programs[0].rewrites] == [("fold_batch_norm", 1)]


def test_a_network_that_changes_its_input_becomes_one_that_does_not(tmp_path: Path) -> None:
    code = BEGIN + f"    def forward(self, x):\n        x.sub_(0.5).div_(0.25)\n        return {SCORES}\n" + END
    program = torch.export.load(traced(code, tmp_path).programs[0].path)
    assert not program.graph_signature.user_inputs_to_mutate
    plain = torch.export.load(
        traced(code.replace("x.sub_(0.5).div_(0.25)", "x = (x - 0.5) / 0.25"), tmp_path).programs[0].path
    )
    x = torch.rand(1, 3, 8, 8)
    assert torch.allclose(program.module()(x.clone()), plain.module()(x), atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("wrap", ["torch.jit.script(Net().eval())", "torch.jit.trace(Net().eval(), example_inputs())"])
def test_torchscript_is_converted(wrap: str, tmp_path: Path) -> None:
    code = BEGIN + f"    def forward(self, image):\n        return {SCORES.replace('x', 'image')}\n" + END
    made = traced(code.replace("return Net()", f"return {wrap}"), tmp_path)
    plain = traced(code, tmp_path / "plain")
    x = torch.rand(1, 3, 8, 8)
    expected, given = (torch.export.load(one.programs[0].path).module()(x) for one in (plain, made))
    assert torch.allclose(given, expected, atol=1e-6)
    assert [one.shape for one in made.inputs] == [(1, 3, 8, 8)]
    assert made.params == plain.params
    program = torch.export.load(made.programs[0].path)
    assert not any(isinstance(size, torch.SymInt) for node in program.graph.nodes for size in sizes_of(node))


def sizes_of(node: torch.fx.Node) -> tuple[object, ...]:
    value = node.meta.get("val")
    return tuple(value.shape) if isinstance(value, torch.Tensor) else ()


def test_inputs_by_name_come_in_the_order_of_forward(tmp_path: Path) -> None:
    two = BEGIN + f"    def forward(self, x, bias):\n        return {SCORES} + bias\n"
    given = "\ndef build():\n    return Net()\ndef example_inputs():\n    return {}\n"
    made = traced(two + given.format("{'bias': torch.rand(1, 4), 'x': torch.rand(1, 3, 8, 8)}"), tmp_path)
    assert [(one.name, one.shape) for one in made.inputs] == [("x", (1, 3, 8, 8)), ("bias", (1, 4))]
    with pytest.raises(UsageError, match=r"names bias, and forward\(\) takes x, bias"):
        traced(two + given.format("{'bias': torch.rand(1, 4)}"), tmp_path)
    with pytest.raises(UsageError, match="and it returns float among them"):
        traced(two + given.format("torch.rand(1, 3, 8, 8), 2.0"), tmp_path)


def test_weights_of_another_type_than_the_inputs_are_said(tmp_path: Path) -> None:
    code = BEGIN + f"    def forward(self, x):\n        return {SCORES}\n" + END
    with pytest.raises(UsageError) as caught:
        traced(code.replace("return Net()", "return Net().half()"), tmp_path)
    assert caught.value.hint == "its weights are float16: build it with .float(), or give inputs of that type"
    half = code.replace("return Net()", "return Net().half()").replace("8, 8)\n", "8, 8).half()\n")
    assert traced(half, tmp_path, ()).inputs[0].dtype == "float16"


def test_an_example_tells_how_many_ids_there_are(tmp_path: Path) -> None:
    """With 0 and 1 alone most rows of an embedding would be neither calibrated nor verified."""
    code = """
import torch
from torch import nn

def build():
    return nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 2))

def example_inputs():
    return torch.tensor([[3, 41, 7]])
"""
    (one,) = traced(code, tmp_path).inputs
    assert (one.dtype, one.codes) == ("int64", 42)
    (sets,), _ = random_inputs([spec_of_sized(one)], 64, {one.name: one.codes})
    assert (sets.min(), sets.max(), sets.dtype) == (0, 41, "int64")


KEYWORDS = (
    BEGIN + "    def forward(self, x, mask=None, *, scale, flag=False):\n        assert mask is None\n"
    f"        return {SCORES} * scale\n" + END
)


def test_inputs_by_keyword_and_with_a_gap(tmp_path: Path) -> None:
    examples = "return torch.rand(1, 3, 8, 8)", "return {'scale': torch.ones(1, 4), 'x': torch.rand(1, 3, 8, 8)}"
    made = traced(KEYWORDS.replace(*examples), tmp_path)
    assert [(one.name, one.shape) for one in made.inputs] == [("x", (1, 3, 8, 8)), ("scale", (1, 4))]
    program = torch.export.load(made.programs[0].path).module()
    assert program(torch.rand(1, 3, 8, 8), torch.zeros(1, 4)).abs().max() == 0
    with pytest.raises(UsageError, match=r"names scales, x, and forward\(\) takes x, mask, scale, flag"):
        traced(KEYWORDS.replace(examples[0], examples[1].replace("'scale'", "'scales'")), tmp_path)


def test_a_network_that_is_quantized_already(tmp_path: Path) -> None:
    code = BEGIN + f"    def forward(self, x):\n        return {SCORES}\n"
    made = "torch.ao.quantization.quantize_dynamic(Net().eval(), {nn.Linear}, torch.qint8)"
    with pytest.raises(UsageError, match=r"its layer 'head' is a torch\.ao\.nn\.quantized\.dynamic.*Linear") as caught:
        traced(code + END.replace("Net()", made), tmp_path)
    assert "--int8" in caught.value.hint


def test_a_network_that_stands_in_the_module(tmp_path: Path) -> None:
    code = BEGIN + f"    def forward(self, x):\n        return {SCORES}\n" + END
    made = traced(code.replace("def build():\n    return Net()", "build = Net()"), tmp_path)
    assert [one.name for one in made.outputs] == ["output"]
