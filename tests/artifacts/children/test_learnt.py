"""Ranges that quantization-aware training learnt: from the checkpoint into the files of every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgekit.artifacts.children.learnt import handed_over
from edgekit.artifacts.children.network import build, built_again, convert, rewritten_network
from edgekit.artifacts.requests import BuildRequest, BuiltNetwork, ConvertRequest, Made, NetworkSource
from edgekit.catalog import find_card, profile_for
from edgekit.errors import UsageError
from edgekit.training.checkpoint import save_tensors
from edgekit.training.recipes import Recipe
from edgekit.types import Format
from edgekit.verbs.train import TrainOptions, train
from edgekit.zoo.checkpoints import read_checkpoint

MODELS = Path(__file__).parents[3] / "models"
SIDE = 32
WIDER = 1.31
"""The ranges are stretched by this: calibration cannot find them by itself."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A card, and a checkpoint that quantization-aware training left, its ranges stretched."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trained")
    card = folder / "tiny.toml"
    text = (MODELS / "mobilenet_v3_small_1.0.toml").read_text().replace("width = 1.0", "width = 0.25")
    for size in (256, 224):
        text = text.replace(f"= {size}", f"= {SIDE}")
    card.write_text(text.replace("[3, 224, 224]", f"[3, {SIDE}, {SIDE}]").replace("mobilenet_v3_small_1.0", "tiny"))
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = (rng.integers(0, 256, (60, SIDE, SIDE)) * (labels + 1)[:, None, None] // 3).astype(np.uint8)
    np.savez(folder / "data.npz", images=images, labels=labels)
    recipe = Recipe(epochs=1, batch=30, lr=0.01)
    kept = train(str(card), TrainOptions(str(folder / "data.npz"), recipe, out=folder / "float")).folder
    qat = recipe.model_copy(update={"qat": True})
    options = TrainOptions(str(folder / "data.npz"), qat, out=folder / "qat", weights=str(kept / "checkpoint.pt"))
    path = train(str(card), options).folder / "checkpoint.pt"
    content = torch.load(path, weights_only=True)
    assert content["edgekit"]["ranges"]
    content["edgekit"]["ranges"] = {
        name: [WIDER * low, WIDER * high] for name, (low, high) in content["edgekit"]["ranges"].items()
    }
    save_tensors(path, content)
    return str(card), path


@pytest.fixture(scope="module")
def source(checkpoint: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[NetworkSource, Path]:
    """The network as an export has it, and the file of its images."""
    folder = tmp_path_factory.mktemp("built")
    pixels = folder / "pixels.npy"
    np.save(pixels, np.random.default_rng(1).integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8))
    card, weights = checkpoint
    made: BuiltNetwork = build(
        BuildRequest(
            card=find_card(card), weights=weights, num_classes=None, parity=pixels, calibration=None, folder=folder
        )
    )
    state = folder / "state.pt"
    return NetworkSource(card=made.card, state=state, layout=made.provenance.layout, ranges=made.ranges), pixels


def affine(low: float, high: float) -> tuple[float, int]:
    """Step and code of zero of 256 steps over a range."""
    scale = (high - low) / 255
    return scale, round(-low / scale)


def steps_of(file: Path) -> set[tuple[float, int]]:
    """Step and code of zero, counted from the lowest code, of every tensor that a file quantizes as a whole."""
    if file.suffix == ".onnx":
        import onnx

        model = onnx.load_model(file)
        constants = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
        nodes = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
        return {(float(constants[node.input[1]]), int(constants[node.input[2]])) for node in nodes}
    if file.suffix == ".tflite":
        from ai_edge_litert.interpreter import Interpreter

        found = (tensor["quantization"] for tensor in Interpreter(str(file)).get_tensor_details())
        return {(float(scale), int(zero) + 128) for scale, zero in found if scale}
    import openvino

    ops = [op for op in openvino.Core().read_model(file).get_ops() if op.get_type_name() == "FakeQuantize"]
    ends = ([op.input_value(i).get_node().get_data() for i in (1, 2)] for op in ops)
    return {affine(float(low.item()), float(high.item())) for low, high in ends if low.size == 1}


def is_in(wanted: tuple[float, int], found: set[tuple[float, int]]) -> bool:
    return any(abs(step - wanted[0]) <= 1e-4 * wanted[0] and abs(zero - wanted[1]) <= 1 for step, zero in found)


@pytest.mark.parametrize(("format_", "least"), [("onnx", 0.8), ("tflite", 0.8), ("openvino", 0.6)])
def test_the_ranges_of_the_file_are_those_of_the_training(
    source: tuple[NetworkSource, Path], format_: Format, least: float, tmp_path: Path
) -> None:
    network, pixels = source
    profile = profile_for(format_, "int8")
    made: Made = convert(
        ConvertRequest(network=network, profile=profile, target="x86-vnni", pixels=pixels, folder=tmp_path)
    )
    assert made.quantization is not None
    handed, total = (int(word) for word in str(made.quantization["ranges_learnt"]).split()[:3:2])
    assert total == len(network.ranges)
    found = steps_of(tmp_path / made.files[0])
    # Times 6 where a hard-swish's sixth has gone into the next layer.
    wanted = {
        (name, by): affine(by * low, by * high)
        for name, (low, high) in network.ranges.items()
        for by in (1, 6)
        if low < high
    }
    exact = {key: steps for key, steps in wanted.items() if is_in(steps, found)}
    assert least * total <= len({name for name, _ in exact}) <= handed
    plain: Made = convert(
        ConvertRequest(
            network=network.model_copy(update={"ranges": {}}),
            profile=profile, target="x86-vnni", pixels=pixels, folder=tmp_path,
        )
    )  # fmt: skip
    others = steps_of(tmp_path / plain.files[0])
    assert not [key for key, steps in exact.items() if is_in(steps, others)]


def test_what_a_rewrite_scales_takes_a_scaled_range_over(source: tuple[NetworkSource, Path]) -> None:
    network, _ = source
    profile = profile_for("tflite", "int8")
    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    factors: list[set[float]] = []
    for rewrites in (("fold_batch_norm",), ("fold_batch_norm", "absorb_hard_swish_sixth")):
        graph, layers, _ = rewritten_network(network, profile.model_copy(update={"rewrites": rewrites}))
        found = handed_over(built_again(network), network.ranges, graph, layers, images)
        gates = [layer.name for layer in layers if "hard-swish" in layer.kinds and layer.name in found]
        assert gates
        factors.append({round(found[name][1] / network.ranges[name][1], 3) for name in gates})
    assert factors[0] == {1.0}
    assert factors[1] <= {1.0, 6.0}
    assert 6.0 in factors[1]


def test_a_network_of_other_values_takes_nothing_over(source: tuple[NetworkSource, Path]) -> None:
    network, _ = source
    other = built_again(network)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    graph, layers, _ = rewritten_network(network, profile_for("tflite", "int8"))
    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    assert not handed_over(other, network.ranges, graph, layers, images)


@pytest.mark.parametrize("said", [{"conv": [1.0]}, {"conv": [0.5, 1.0]}, {"conv": [0.0, float("nan")]}, "wide"])
def test_ranges_that_are_none_are_refused(checkpoint: tuple[str, Path], said: object, tmp_path: Path) -> None:
    content = torch.load(checkpoint[1], weights_only=True)
    content["edgekit"]["ranges"] = said
    path = tmp_path / "odd.pt"
    save_tensors(path, content)
    with pytest.raises(UsageError, match="no pairs of numbers around zero"):
        read_checkpoint(path)
