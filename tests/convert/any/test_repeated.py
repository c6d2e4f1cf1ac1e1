"""Outputs that are one tensor: the file has it once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from edgekit.convert.any.job import AnyConverted, AnyJob
from edgekit.convert.any.repeated import with_each_once
from tests.support.jobs import job_of


class Twice(nn.Module):
    """Three outputs, of which two may be one."""

    def __init__(self, repeated: bool) -> None:
        super().__init__()
        self.repeated = repeated

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """By name."""
        made = x * 2
        return {"first": made, "second": made if self.repeated else made + 1, "third": made - 1}


def converted(job: AnyJob) -> AnyConverted:
    """An answer in which the file has the outputs in reverse order."""
    assert job.program is not None
    assert len(job.program.graph_signature.user_outputs) == len(job.outputs)
    places = tuple(reversed(range(len(job.outputs))))
    return AnyConverted(files=("model.tflite",), inputs=(0,), outputs=places, notes=(",".join(job.outputs),))


@pytest.mark.parametrize(
    ("repeated", "places", "notes"),
    [
        (False, (2, 1, 0), ("first,second,third",)),
        (
            True,
            (1, 1, 0),
            ("first,third", "second is the same tensor as first: the file has it once, as first"),
        ),
    ],
)
def test_a_tensor_that_is_given_twice(repeated, places, notes) -> None:
    job = replace(job_of(Twice(repeated), torch.ones(1, 4)), outputs=("first", "second", "third"))
    made = with_each_once(job, converted)
    assert made.outputs == places
    assert made.notes == notes
