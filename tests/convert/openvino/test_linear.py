"""A linear layer written as a convolution is executed as one in int8, and means the same."""

from __future__ import annotations

import numpy as np
import openvino
import pytest
import torch
from torch import nn

from edgekit.convert.job import Job
from edgekit.convert.openvino.convert import quantize
from edgekit.forms.profiles import choose_profiles
from edgekit.passes.pipeline import apply_rewrites
from edgekit.types import Preprocessing
from edgekit.verify.parity import sqnr_db


@pytest.mark.parametrize(("rewrites", "kind"), [((), "FullyConnected"), (("linear_as_conv",), "Convolution")])
def test_executed_kernel(rewrites, kind, tmp_path):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(16, 10)
    )
    rows = torch.randn(8, 3, 10, 10)
    rewritten, _ = apply_rewrites(network.eval(), rewrites, rows[:1])
    preprocessing = Preprocessing(resize=10, crop=10, mean=(0.0,) * 3, std=(1.0,) * 3)
    job = Job(
        rewritten,
        choose_profiles("openvino", int8=True, ranges="min-max")[0],
        "x86-avx2",
        preprocessing,
        rows.numpy(),
        tmp_path,
    )
    model = quantize(openvino.convert_model(rewritten, example_input=rows[:1], input=[1, 3, 10, 10]), job, ())
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    executed = [op.get_rt_info()["layerType"].astype(str) for op in compiled.get_runtime_model().get_ordered_ops()]
    assert [each for each in executed if each in ("Convolution", "FullyConnected")] == ["Convolution", kind]
    with torch.no_grad():
        exact = network(rows).numpy()
    assert sqnr_db(exact, np.concatenate([compiled(row[None])[0] for row in rows.numpy()])) > 25
