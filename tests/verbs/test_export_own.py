"""A user's own networks: code in, verified artifacts out."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import edgekit
from edgekit.artifacts.own.network import OwnOptions
from edgekit.artifacts.own.requests import Sized
from edgekit.base.processes.warm import WARMTH
from edgekit.cli.show.export import artifact_lines
from edgekit.errors import ToolError, UsageError
from edgekit.types.commands import is_own
from edgekit.verbs.export_own import source_of
from tests.support.own import exported

DETECTOR = """
import torch
from torch import nn

class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        stem = [nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6()]
        self.body = nn.Sequential(*stem, nn.Conv2d(8, 8, 3, 2, 1, groups=8))
        self.boxes, self.scores = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 3, 1)

    def forward(self, image):
        features = self.body(image)
        return {"scores": self.scores(features).sigmoid(), "boxes": self.boxes(features)}

def build():
    torch.manual_seed(0)
    return Detector()

def example_inputs():
    return torch.rand(1, 3, 32, 32)
"""

SPEECH = """
import torch
from torch import nn

class Speech(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.cell, self.head = nn.Conv1d(10, 8, 5, padding=2), nn.GRUCell(8, 6), nn.Linear(6, 4)
        self.words = nn.Embedding(2, 8)

    def forward(self, audio, word):
        heard = torch.relu(self.conv(audio)).mean(2) + self.words(word)
        state = self.cell(heard)
        return self.head(state), state

def speech():
    torch.manual_seed(0)
    return Speech()
"""


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_a_detector_with_two_named_outputs(here: Path, format_: str) -> None:
    (here / "det.py").write_text(DETECTOR)
    outcome = exported("det.py", format_)
    assert outcome.error is None
    artifact = outcome.artifact
    assert artifact is not None
    assert outcome.folder == Path("artifacts") / "det" / f"{format_}-fp32"
    assert artifact.parity is not None
    assert artifact.parity.sqnr_db > 80
    shapes = sorted(spec.shape for spec in artifact.outputs)
    assert shapes == [(1, 3, 8, 8), (1, 4, 8, 8)]
    assert [note for note in artifact.notes if note.startswith("parity of boxes: SQNR")]
    assert any(rewrite.name == "fold_batch_norm" and rewrite.count for rewrite in artifact.rewrites)


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_two_inputs_of_other_types_in_int8(here: Path, format_: str) -> None:
    """Sound and an index; a recurrent cell; two outputs in order."""
    (here / "net.py").write_text(SPEECH)
    rng = np.random.default_rng(0)
    np.savez(here / "x.npz", audio=rng.random((20, 1, 10, 12), np.float32), word=rng.integers(0, 2, (20, 1)))
    inputs = (Sized(name="audio", shape=(1, 10, 12)), Sized(name="word", shape=(1,), dtype="int64"))
    outcome = exported("net.py:speech", format_, OwnOptions(inputs=inputs, calibration="x.npz"), int8=True)
    assert outcome.error is None
    assert outcome.artifact is not None
    assert outcome.model == "net_speech"
    assert outcome.artifact.calibration is not None
    assert outcome.artifact.calibration.count == 20
    assert outcome.artifact.audit.int8_compute_ops > 0
    assert outcome.artifact.parity is not None
    assert outcome.artifact.parity.sqnr_db > 15


def test_weights_and_images(here: Path) -> None:
    """A checkpoint replaces what the code gave; images become inputs as the command line says."""
    (here / "det.py").write_text(DETECTOR)
    (here / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(here / "photos" / f"{number}.png")
    names: dict[str, object] = {}
    exec(DETECTOR, names)
    torch.manual_seed(1)
    trained = names["Detector"]()  # type: ignore[operator]
    torch.save({"state_dict": trained.state_dict()}, here / "best.pt")
    said = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    options = OwnOptions(weights=Path("best.pt"), calibration="photos", preprocessing=said)
    outcome = exported("det.py", "onnx", options)
    assert outcome.artifact is not None
    assert outcome.artifact.weights.source == "best.pt"
    made = outcome.artifact.inputs[0].preprocessing
    assert made is not None
    assert made.mean == (0.5, 0.5, 0.5)
    assert made.origin is not None
    assert made.origin.kind == "options"
    torch.save(torch.nn.Linear(2, 2).state_dict(), here / "other.pt")
    with pytest.raises(UsageError, match=r"other\.pt does not fit the network of build\(\)"):
        exported("det.py", "onnx", OwnOptions(weights=Path("other.pt")))


def old_model(path: Path) -> None:
    """As exporters wrote in 2019: opset 9, weights among the inputs, open sizes, two outputs."""
    weight = numpy_helper.from_array(np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32), "w")
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["mixed"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["mixed"], ["kept"]),
        helper.make_node("GlobalAveragePool", ["kept"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["row"]),
        helper.make_node("MatMul", ["row", "m"], ["scores"]),
    ]
    matrix = numpy_helper.from_array(np.random.default_rng(1).standard_normal((4, 5)).astype(np.float32), "m")
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    listed = helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3, 3, 3])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4, "a", "b"]) for name in ("kept", "mean")]
    outputs.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 5]))
    graph = helper.make_graph(nodes, "g", [image, listed], outputs, [weight, matrix])
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4), path)


@pytest.mark.parametrize(
    ("format_", "int8"), [("onnx", True), ("openvino", False), ("openvino", True), ("tflite", True)]
)
def test_an_old_onnx_file(here: Path, format_: str, int8: bool) -> None:
    old_model(here / "old.onnx")
    options = OwnOptions(inputs=(Sized(name="", shape=(1, 3, 12, 10)),))
    outcome = exported("old.onnx", format_, options, int8=int8)
    assert outcome.error is None
    assert outcome.artifact is not None
    assert outcome.artifact.inputs[0].shape == (1, 3, 12, 10)
    assert outcome.artifact.weights.source == "old.onnx"
    assert bool(outcome.artifact.audit.int8_compute_ops) is int8
    if format_ == "onnx":
        again = exported("artifacts/old/onnx-int8/model.onnx", "openvino", int8=True)
        assert "is quantized already" in str(again.error)


def test_onnx_files_that_do_not_go(here: Path) -> None:
    old_model(here / "old.onnx")
    with pytest.raises(UsageError, match="the shape of input 'image' is open"):
        exported("old.onnx", "onnx")
    square = OwnOptions(inputs=(Sized(name="image", shape=(1, 3, 8, 8)),))
    model = onnx.load_model("old.onnx")
    model.graph.node[1].op_type = "Shrink"
    onnx.save_model(model, "strange.onnx")
    refused = exported("strange.onnx", "tflite", square)
    assert "the file has the operator Shrink (output 'kept'), which edgekit cannot bring to" in str(refused.error)
    with pytest.raises(UsageError, match=r"no such file: nowhere\.onnx"):
        exported("nowhere.onnx", "onnx")


def test_what_names_code() -> None:
    assert all(map(is_own, ("net.py", "a/b.py:make", "package.module:factory", "a/net.onnx")))
    assert not any(map(is_own, ("mobilenet_v3", "cards/mine.toml", "mobilenet_v3_large_1.0", "package.module")))
    with pytest.raises(UsageError, match=r"no such file: nowhere\.py"):
        source_of("nowhere.py")
    assert source_of("package.module:factory")[0] == "module_factory"


def test_the_children_of_a_module_in_memory_share_their_imports(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a card do: PyTorch takes longer to import than such a network to convert; and so do the next ones."""
    blocks: list[int] = []

    def stop(*_: object) -> None:
        blocks.append(WARMTH.blocks)
        raise ToolError("far enough")

    monkeypatch.setattr("edgekit.verbs.export_own.trace", stop)
    monkeypatch.setattr("edgekit.base.processes.warm.LINGER_S", 1.0)
    before = WARMTH.blocks
    with pytest.raises(ToolError, match="far enough"):
        edgekit.export(torch.nn.ReLU(), (torch.zeros(1, 3),), formats=["onnx"])
    assert blocks == [before + 1]
    assert WARMTH.blocks == before + 1
    deadline = time.monotonic() + 30
    while WARMTH.blocks > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert WARMTH.blocks == before


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_one_number_and_one_hot_scores(here: Path, format_: str) -> None:
    """The first has no dimension; litert-torch takes the second apart into checks that it does not know."""
    (here / "net.py").write_text(
        """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
    def forward(self, x):
        y = self.conv(x)
        return y.square().mean(), torch.nn.functional.one_hot(y.mean((2, 3)).argmax(1), 4)
def build():
    torch.manual_seed(0)
    return Net()
def example_inputs(): return torch.rand(1, 3, 16, 16)
"""
    )
    outcome = exported("net.py", format_)
    assert outcome.error is None, outcome.error
    assert outcome.artifact.scores == 1
    assert [spec.shape for spec in outcome.artifact.outputs] == [(), (1, 4)]
    assert artifact_lines(outcome.artifact)
