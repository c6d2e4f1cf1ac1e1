"""A small network, exported once per session and way; the runtimes, used without edgekit's agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.images.pixels import load_pixels
from edgekit.base.owned import MANIFEST
from edgekit.base.progress import silent
from edgekit.catalog import find_card, profile_for
from edgekit.types import Artifact, ExportProfile, ModelCard
from edgekit.verbs.export import export

# MobileNetV3 small at half width and 64 pixels: BN, ReLU, hard-swish, hard-sigmoid, squeeze-and-excitation, strides.
CARD = """
id = "small"
family = "mobilenet_v3"
title = "A network for tests"
paper = "none"
licence = "none"
num_classes = 100
input_shape = [3, 64, 64]
params = 0
macs = 0

[architecture]
size = "small"
width = 0.5

[preprocessing]
resize = 72
crop = 64
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
"""


@dataclass(frozen=True)
class Way:
    """One way of making an artifact."""

    format: str
    precision: str
    io: str = "float32"
    baked: bool = False
    target: str = "x86-avx2"

    def __str__(self) -> str:
        words = [self.format, self.precision, self.io, *(["baked"] if self.baked else [])]
        return "-".join([*words, *([self.target] if self.target != "x86-avx2" else [])])

    @property
    def profile(self) -> ExportProfile:
        """The built-in profile with these changes; a random network of toy size may lose more than a real one."""
        base = profile_for(self.format, self.precision)
        changes: dict[str, Any] = {
            "name": str(self),
            "io": self.io,
            "bake_preprocess": self.baked,
            "target": self.target,
        }
        if self.precision == "int8":
            changes["parity"] = base.parity.model_copy(update={"min_cosine": 0.85})
            changes["form"] = "default"  # everything in int8: the best known form may leave the stem in float
        return ExportProfile.model_validate({**base.model_dump(), **changes})


@dataclass(frozen=True)
class Made:
    """An artifact and where it lies."""

    way: Way
    folder: Path
    artifact: Artifact

    @property
    def file(self) -> Path:
        return self.folder / self.artifact.model_file


@pytest.fixture(scope="session")
def card_file(shared) -> Path:
    path = shared / "small.toml"
    with FileLock(shared / "card.lock"):
        if not path.exists():
            path.write_text(CARD)
    return path


@pytest.fixture(scope="session")
def card(card_file) -> ModelCard:
    return find_card(str(card_file))


@pytest.fixture(scope="session")
def make(shared, card_file) -> Callable[..., Made]:
    """Export in the way of the given fields, through the workflow, unless a test of this run has done it."""

    def export_once(*fields: Any) -> Made:
        way = Way(*fields)
        folder = shared / "small" / str(way)
        with FileLock(shared / f"{way}.lock"):
            if not folder.exists():
                (outcome,) = export([str(card_file)], [way.profile], ExportOptions(out=shared), silent)
                assert outcome.status == "converted", f"{way}: {outcome.error}"
                assert outcome.folder == folder
        return Made(way, folder, Artifact.model_validate_json((folder / MANIFEST).read_text()))

    return export_once


@pytest.fixture(scope="session")
def photos(card) -> np.ndarray:
    """Eight of the bundled photos, ``(8, 64, 64, 3)``."""
    return load_pixels(None, card.preprocessing)[0][:8]


@pytest.fixture(scope="session")
def reference(card, photos) -> np.ndarray:
    """What PyTorch says about the photos, normalised here by the formula."""
    import torch

    from edgekit.zoo.build import build_network

    with torch.no_grad():
        return build_network(card)(torch.from_numpy(normalised(photos, card))).numpy()


def normalised(photos: np.ndarray, card: ModelCard) -> np.ndarray:
    # In float32 throughout, as torchvision does: another last digit of the input can move a float16 by a whole step.
    mean, std = np.float32(card.preprocessing.mean), np.float32(card.preprocessing.std)
    return ((photos.astype(np.float32) / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)


@dataclass(frozen=True)
class Loaded:
    """A model in its runtime: what it says of its ends, and a call for one image (batch 1)."""

    input_dtype: str
    output_dtype: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_quantization: tuple[float, int] | None
    output_quantization: tuple[float, int] | None
    call: Callable[[np.ndarray], np.ndarray]


def load_onnx(path: Path) -> Loaded:
    import onnx
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given, made = session.get_inputs()[0], session.get_outputs()[0]
    names = {"tensor(float)": "float32", "tensor(int8)": "int8", "tensor(uint8)": "uint8"}
    graph = onnx.load_model(path).graph
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}

    def params(op: str, end: str, name: str) -> tuple[float, int] | None:
        found = [n for n in graph.node if n.op_type == op and name in getattr(n, end)]
        return (float(constants[found[0].input[1]]), int(constants[found[0].input[2]])) if found else None

    return Loaded(
        names[given.type],
        names[made.type],
        tuple(given.shape),
        tuple(made.shape),
        params("DequantizeLinear", "input", given.name),
        params("QuantizeLinear", "output", made.name),
        lambda x: session.run(None, {given.name: x})[0],
    )


def load_tflite(path: Path) -> Loaded:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def call(x: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(made["index"])

    def params(details: dict[str, Any]) -> tuple[float, int] | None:
        scale, zero = details["quantization"]
        return (float(scale), int(zero)) if scale else None

    return Loaded(
        given["dtype"].__name__,
        made["dtype"].__name__,
        tuple(map(int, given["shape"])),
        tuple(map(int, made["shape"])),
        params(given),
        params(made),
        call,
    )


def load_openvino(path: Path) -> Loaded:
    import openvino

    compiled = openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    given, made = compiled.inputs[0], compiled.outputs[0]
    return Loaded(
        given.element_type.to_dtype().name,
        made.element_type.to_dtype().name,
        tuple(given.shape),
        tuple(made.shape),
        None,  # IR has no place for them at its ends
        None,
        lambda x: compiled([x])[0],
    )


@pytest.fixture(scope="session")
def load() -> Callable[[Made], Loaded]:
    by_format = {"onnx": load_onnx, "tflite": load_tflite, "openvino": load_openvino}
    return lambda made: by_format[made.way.format](made.file)


@pytest.fixture(scope="session")
def run(load, photos, card) -> Callable[[Made], np.ndarray]:
    """Real-valued outputs for the photos, with inputs and outputs handled as the manifest says, by hand."""

    def outputs(made: Made) -> np.ndarray:
        given, out = made.artifact.inputs[0], made.artifact.outputs[0]
        if given.preprocessing.baked:
            inputs = photos.transpose(0, 3, 1, 2)
        else:
            inputs = normalised(photos, card)
            if given.quantization is not None:
                limits = np.iinfo(given.dtype)
                steps = np.round(inputs / given.quantization.scale) + given.quantization.zero_point
                inputs = np.clip(steps, limits.min, limits.max)
        inputs = np.ascontiguousarray(inputs.transpose(0, 2, 3, 1) if given.layout == "NHWC" else inputs)
        call = load(made).call
        stored = np.concatenate([np.array(call(x[None])) for x in inputs.astype(given.dtype)]).astype(np.float64)
        if out.quantization is not None:
            stored = (stored - out.quantization.zero_point) * out.quantization.scale
        return stored

    return outputs
