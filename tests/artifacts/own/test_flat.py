"""Outputs of any shape by name: none takes another's place."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from edgekit.artifacts.own.flat import named_tensors

ONE, TWO, THREE = torch.ones(1), torch.ones(2), torch.ones(3)


@dataclass
class Found:
    """As a detector gives it."""

    boxes: torch.Tensor
    masks: torch.Tensor | None = None


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (ONE, ["output"]),
        ([ONE, None, TWO], ["output", "output_1"]),
        (Found(ONE), ["boxes"]),
        ([Found(ONE), Found(TWO, THREE)], ["boxes", "output_1", "masks"]),
        ([{"output_1": ONE, "output_2": TWO}, THREE], ["output_1", "output_2", "output_3"]),
        ([{"output": ONE}, TWO], ["output", "output_1"]),
    ],
)
def test_every_tensor_has_a_name_of_its_own(made, names):
    found = named_tensors(made)
    assert list(found) == names
    assert [len(one) for one in found.values()] == list(range(1, len(names) + 1))
