"""Groups merged until their channels are whole vectors: the same function, as few as do; what a GPU makes of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.bench.launch import call_agent
from edgekit.catalog import find_card, profile_for
from edgekit.errors import ToolError
from edgekit.passes.align_groups import fewest
from edgekit.passes.densify_group_conv import merged
from edgekit.workflows.forms import resolve
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten, share_norms

widths = st.tuples(st.integers(1, 6), st.integers(1, 6))


@settings(max_examples=60, deadline=None)
@given(pair=st.sampled_from([(4, 1), (4, 2), (6, 3), (6, 2), (5, 5)]), per_group=widths, bias=st.booleans())
def test_merged_groups_are_the_same_function(pair, per_group, bias):
    groups, count = pair
    torch.manual_seed(groups)
    conv = nn.Conv2d(groups * per_group[0], groups * per_group[1], 3, 2, 1, groups=groups, bias=bias).double()
    image = torch.randn(2, conv.in_channels, 7, 6, dtype=torch.float64)
    other = merged(conv, count)
    assert other.groups == groups // count
    with torch.no_grad():
        torch.testing.assert_close(other(image), conv(image), rtol=1e-12, atol=1e-12)


def test_the_fewest_that_fill_vectors_are_merged():
    for groups, inputs, outputs in itertools.product((2, 3, 4, 8, 12), (1, 2, 4, 5, 6), (1, 2, 4, 8, 10)):
        conv = nn.Conv2d(groups * inputs, groups * outputs, 1, groups=groups)
        count = fewest(conv)
        fits = [n for n in range(1, groups) if not groups % n and not n * inputs % 4 and not n * outputs % 4]
        assert count == (min(fits) if fits else groups)
    assert fewest(nn.Conv2d(48, 48, 3, groups=24)) == 2
    assert fewest(nn.Conv2d(15, 15, 1, groups=3)) == 3


def test_aligned_and_depthwise_convolutions_stay():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(8, 16, 1, groups=2),
        nn.Conv2d(16, 16, 3, groups=16),
        nn.Conv2d(16, 8, 1, groups=4),
        nn.Conv2d(8, 5, 1),
    )
    result, done = rewritten(lively(network), ["align_groups"], (1, 8, 5, 5))
    assert done == {"align_groups": 1}
    assert sorted(conv.groups for conv in layers(result, nn.Conv2d)) == [1, 2, 2, 16]


@pytest.mark.parametrize(
    "model",
    ["condensenet_fashion_small", "igcv1_cifar10_l24m2_d20_plain", "igcv3_d_0.25_imagenet", "shufflenet_v1_g3_0.25"],
)
def test_no_narrow_group_is_left_in_what_mobile_gpus_get(model):
    card = find_card(model)
    profile = resolve(card, profile_for("tflite", "fp32").model_copy(update={"target": "mobile-gpu"})).profile
    assert profile.form == "aligned-groups"
    network = share_norms(lively(create(card)))
    result, done = rewritten(network, profile.rewrites, (1, card.input_shape[0], 32, 32))
    assert done["align_groups"] > 0
    grouped = [conv for conv in layers(result, nn.Conv2d) if 1 < conv.groups < conv.in_channels]
    assert all(fewest(conv) == 1 for conv in grouped)
    assert not [node for node in result.graph.nodes if node.target is torch.index_select]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_gpu_runs_merged_groups_rightly_and_narrow_ones_not_at_all(lavapipe: None, tmp_path: Path) -> None:
    import litert_torch

    torch.manual_seed(0)
    narrow = nn.Conv2d(8, 8, 3, padding=1, groups=4).eval()
    image = torch.randn(1, 8, 8, 8)
    request = {"command": "run", "runtime": "litert", "accelerator": "gpu", "threads": 1}
    for name, conv in (("narrow", narrow), ("merged", merged(narrow, fewest(narrow)))):
        network = litert_torch.to_channel_last_io(nn.Sequential(conv).eval(), args=[0], outputs=[0])
        given = image.permute(0, 2, 3, 1).contiguous()
        litert_torch.convert(network, (given,)).export(str(tmp_path / f"{name}.tflite"))
        np.save(tmp_path / "in.npy", given.numpy())
        ends = {"inputs": str(tmp_path / "in.npy"), "outputs": str(tmp_path / "out.npy")}
        if name == "narrow":  # once this fails, the pass may go
            with pytest.raises(ToolError, match=r"outputs are wrong|crashed"):
                call_agent({**request, **ends, "model": str(tmp_path / f"{name}.tflite")}, 120, "the run")
        else:
            told = call_agent({**request, **ends, "model": str(tmp_path / f"{name}.tflite")}, 120, "the run")
            assert (told["delegation"]["gpu_ops"], told["delegation"]["cpu_ops"]) == (1, 0)
            with torch.no_grad():
                expected = narrow(image).permute(0, 2, 3, 1).numpy()
            np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, rtol=1e-4, atol=1e-5)
