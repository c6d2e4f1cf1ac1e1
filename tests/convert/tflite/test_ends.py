"""Names of a TFLite file's inputs and outputs."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from edgekit.convert.tflite.ends import name_ends
from edgekit.convert.tflite.lowering import write_tflite


def test_tensors_and_signature_have_the_names_and_the_file_computes_the_same(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()
    path = tmp_path / "model.tflite"
    path.write_bytes(write_tflite(network, (1, 3, 8, 8), "float32"))
    image = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    before = Interpreter(str(path)).get_signature_runner()(args_0=image)["output_0"]

    changed = name_ends(path, ["photo"], ["scores"])

    interpreter = Interpreter(str(path))
    assert interpreter.get_input_details()[0]["name"] == "photo"
    assert interpreter.get_output_details()[0]["name"] == "scores"
    assert sorted(changed.values()) == ["photo", "scores"]
    assert np.array_equal(interpreter.get_signature_runner()(photo=image)["scores"], before)
