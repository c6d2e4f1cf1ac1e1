"""Outputs that the network reads further: all computes in int8, and each output is float32 and right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn

from edgekit.convert.any.inner_outputs import hide_outputs, show_outputs
from edgekit.convert.any.tflite import convert
from edgekit.forms.profiles import choose_profiles
from tests.support.jobs import job_of


class Cell(nn.Module):
    """A state that is returned, twice, and read by the next layer."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.head = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of rows."""
        state = torch.tanh(self.state(x))
        return state, self.head(state), state * 0.5


def converted(folder: Path, precision: str) -> tuple[Interpreter, np.ndarray, nn.Module]:
    """The file's interpreter, the rows, and the network."""
    torch.manual_seed(0)
    network, rows = Cell().eval(), torch.randn(16, 1, 8)
    (profile,) = choose_profiles("tflite", int8=precision == "int8")
    job = job_of(network, rows[0], folder=folder)
    convert(replace(job, profile=profile, sets=[rows.numpy()]))
    interpreter = Interpreter(str(folder / "model.tflite"))
    interpreter.allocate_tensors()
    return interpreter, rows.numpy(), network


def test_what_reads_an_output_computes_in_int8(tmp_path: Path) -> None:
    interpreter, rows, network = converted(tmp_path, "int8")
    types = {int(t["index"]): t["dtype"] for t in interpreter.get_tensor_details()}
    products = [op for op in interpreter._get_ops_details() if op["op_name"] == "FULLY_CONNECTED"]
    assert [types[int(op["inputs"][0])] for op in products] == [np.int8, np.int8]
    ends = interpreter.get_output_details()
    assert [end["dtype"] for end in ends] == [np.float32] * 3
    for row in rows:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row)
        interpreter.invoke()
        with torch.no_grad():
            wanted = [one.numpy() for one in network(torch.from_numpy(row))]
        for end, one in zip(ends, wanted, strict=True):
            assert np.abs(interpreter.get_tensor(end["index"]) - one).max() < 0.05


@pytest.mark.parametrize("places", [[0], [0, 2], [1, 2], [0, 1, 2]])
def test_hidden_outputs_come_back_in_their_places(tmp_path: Path, places: list[int]) -> None:
    before, _, _ = converted(tmp_path, "fp32")
    float_file, hidden = tmp_path / "model.tflite", tmp_path / "hidden.tflite"
    names = hide_outputs(float_file, places, hidden)
    assert len(Interpreter(str(hidden)).get_output_details()) == 3 - len(places)
    after = Interpreter(model_content=show_outputs(hidden.read_bytes(), places, names))
    assert [e["name"] for e in after.get_output_details()] == [e["name"] for e in before.get_output_details()]
