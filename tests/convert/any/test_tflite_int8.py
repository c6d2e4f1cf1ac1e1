"""int8 TFLite files of networks of any kind run on every input, not on those of the calibration alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from edgekit.convert.any.tflite import convert
from edgekit.forms.profiles import choose_profiles
from tests.support.jobs import job_of


class Divided(nn.Module):
    """A layer norm as ONNX's exporters wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of rows."""
        y = self.first(x)
        rest = y - y.mean(-1, keepdim=True)
        size = torch.sqrt(rest.square().mean(-1, keepdim=True) + 1e-5)
        return self.last(rest / size).sigmoid()


def test_a_small_divisor_does_not_end_an_inference(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    torch.manual_seed(0)
    rows = torch.randn(8, 1, 8) * 30
    (profile,) = choose_profiles("tflite", int8=True)
    job = job_of(Divided(), rows[0], folder=tmp_path)
    convert(replace(job, profile=profile, sets=[rows.numpy()]))
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.full((1, 8), 1e-3, np.float32))
    interpreter.invoke()
    made = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.isfinite(made).all()
