"""Maxima that pad themselves, where that is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn
from torch.nn import functional

from edgekit.convert.any.tflite import convert
from tests.support.jobs import job_of


class Padded(nn.Module):
    """A maximum behind a padding (left, right, top, bottom)."""

    def __init__(self, sides: list[int], value: float, kernel: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.sides, self.value, self.kernel, self.stride = sides, value, kernel, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of an image."""
        wider = functional.pad(self.first(x), self.sides, value=self.value)
        return functional.max_pool2d(wider, self.kernel, self.stride)


@pytest.mark.parametrize(
    ("sides", "value", "kernel", "stride", "same"),
    [
        ([0, 1, 0, 1], float("-inf"), 3, 2, True),
        ([1, 1, 0, 1], float("-inf"), 3, 2, False),  # TensorFlow would put the one behind
        ([0, 1, 0, 1], -1.0, 3, 2, False),
        ([1, 2, 1, 2], -3.4e38, 4, 1, True),
        ([0, 2, 0, 2], float("-inf"), 3, 2, True),  # the last row is never read
        ([0, 3, 0, 3], float("-inf"), 3, 2, False),
    ],
)
def test_only_what_is_the_same_is_changed(
    sides: list[int], value: float, kernel: int, stride: int, same: bool, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network, image = Padded(sides, value, kernel, stride).eval(), torch.randn(1, 3, 8, 10)
    convert(job_of(network, image, folder=tmp_path))
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    kinds = [op["op_name"] for op in interpreter._get_ops_details()]
    assert ("PADV2" not in kinds) == same
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image.numpy())
    interpreter.invoke()
    with torch.no_grad():
        expected = network(image).numpy()
    made = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(made, expected, atol=1e-5)
