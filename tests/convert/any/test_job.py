"""What a conversion is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.convert.any.job import AnyJob, Nearness, refuse_repeated
from edgekit.errors import UsageError
from edgekit.forms.profiles import choose_profiles


class Twice(nn.Module):
    def __init__(self, repeated: bool) -> None:
        super().__init__()
        self.repeated = repeated

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        made = x * 2
        return {"first": made, "second": made if self.repeated else made + 1}


def job(network: nn.Module) -> AnyJob:
    (profile,) = choose_profiles("tflite")
    return AnyJob(
        program=torch.export.export(network, (torch.ones(1, 4),), strict=False),
        file=None,
        profile=profile,
        target="x86-vnni",
        sets=[np.ones((1, 1, 4), np.float32)],
        inputs=("x",),
        outputs=("first", "second"),
        folder=Path(),
        judge=lambda *_: Nearness(0.0, 0.0, ()),
    )


def test_outputs_that_are_one_tensor() -> None:
    with pytest.raises(UsageError, match="the outputs first and second are one tensor") as caught:
        refuse_repeated(job(Twice(repeated=True)), "TFLite")
    assert "return it once" in caught.value.hint
    refuse_repeated(job(Twice(repeated=False)), "TFLite")
