"""Batch norms without running statistics compute in ONNX Runtime what they do in PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from edgekit.convert.any.batch_statistics import with_batch_statistics
from edgekit.convert.any.onnx import convert
from tests.support.jobs import job_of


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (nn.BatchNorm2d(3, track_running_stats=False), (2, 3, 5, 4)),
        (nn.BatchNorm1d(3, eps=1e-2, affine=False, track_running_stats=False), (4, 3)),
    ],
)
def test_the_statistics_are_those_of_the_batch(norm: nn.Module, shape: tuple[int, ...], tmp_path: Path) -> None:
    torch.manual_seed(0)
    for weight in norm.parameters():
        nn.init.uniform_(weight)
    x = torch.randn(shape) * 3 + 1
    made = convert(job_of(norm, x, format_="onnx", folder=tmp_path))
    session = onnxruntime.InferenceSession(tmp_path / made.files[0], providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"input_0": x.numpy()})
    np.testing.assert_allclose(found, norm(x).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_fixed_statistics_stay() -> None:
    x = torch.randn(1, 3, 4, 4)
    program = torch.export.export(nn.BatchNorm2d(3).eval(), (x,), strict=False)
    assert with_batch_statistics(program, (x,)) is program
