"""Networks of a user's own making: the shapes that their rows say, the same weights every time."""

from __future__ import annotations

import pytest
import torch

from benchmarks.real_files import networks
from benchmarks.real_files.subjects import NETWORKS, Subject

SHAPES = {
    "detector": {"scores": (1, 4, 5, 5), "boxes": (1, 16, 5, 5)},
    "unet": {"": (1, 2, 96, 96)},
    "keyword_spotter": {"": (1, 12)},
    "vision_transformer": {"": (1, 10)},
    "recurrent_cell": {"scores": (1, 6), "next_low": (1, 64), "next_high": (1, 64)},
}


@pytest.mark.parametrize("subject", NETWORKS, ids=lambda subject: subject.name)
def test_a_network_runs_on_its_examples(subject: Subject) -> None:
    assert subject.inputs is not None
    arrays = subject.inputs()
    build = getattr(networks, subject.factory)
    outputs = []
    with torch.no_grad():
        for place in (0, 1):
            made = build()(*(torch.from_numpy(array[place]) for array in arrays.values()))
            outputs.append(made if isinstance(made, dict) else {"": made})
    first, second = outputs
    assert {name: tuple(value.shape) for name, value in first.items()} == SHAPES[subject.name]
    for name, value in first.items():
        assert value.isfinite().all()
        # An output that is the same for any input could not be verified.
        assert (value - second[name]).norm() > 0.02 * value.norm()


def test_the_weights_are_the_same_and_nobody_is_disturbed() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other = networks.keyword_spotter().state_dict(), networks.keyword_spotter().state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(torch.rand(3), expected)
