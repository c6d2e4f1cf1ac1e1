"""Passes by name, in order, on a copy."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.catalog import profiles
from edgekit.errors import UsageError
from edgekit.passes.pipeline import PASSES, apply_rewrites


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Hardswish()).eval()


@pytest.mark.parametrize("names", [(), ("fold_batch_norm",), ("split_hard_swish", "fold_batch_norm"), tuple(PASSES)])
def test_named_passes_are_applied_and_recorded(names):
    source, image = network(), torch.randn(1, 3, 8, 8)
    made, done = apply_rewrites(source, names, image)
    counts = {"fold_batch_norm": 1, "split_hard_swish": 1}  # there is nothing here for the others
    assert [(rewrite.name, rewrite.count) for rewrite in done] == [(name, counts.get(name, 0)) for name in names]
    assert not made.training
    with torch.no_grad():
        torch.testing.assert_close(made(image), source(image), rtol=1e-5, atol=1e-6)


def test_the_source_keeps_its_layers():
    source = network()
    keys = list(source.state_dict())
    apply_rewrites(source, PASSES, torch.zeros(1, 3, 8, 8))
    assert [type(layer) for layer in source] == [nn.Conv2d, nn.BatchNorm2d, nn.Hardswish]
    assert list(source.state_dict()) == keys


@pytest.mark.parametrize(
    ("name", "hint"),
    [("fold_batchnorm", "fold_batch_norm"), ("split_hardswish", "split_hard_swish"), ("x", "are known")],
)
def test_unknown_pass(name, hint):
    with pytest.raises(UsageError, match=f"unknown rewrite '{name}'") as caught:
        apply_rewrites(network(), [name], torch.zeros(1, 3, 8, 8))
    assert hint in caught.value.hint


def test_every_profile_names_known_passes():
    assert {name for profile in profiles().values() for name in profile.rewrites} <= set(PASSES)
