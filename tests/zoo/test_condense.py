"""Learned group convolution: schedule, drop rule, lasso, and the exact conversion."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.errors import UsageError
from edgekit.zoo.condense import condense
from edgekit.zoo.condensenet import CondenseNet, condensenet
from edgekit.zoo.learned_group_conv import CondensedConv, LearnedGroupConv, stage_of
from edgekit.zoo.squeezenet import squeezenet

shapes = {
    "groups": st.integers(1, 4),
    "factor": st.integers(1, 5),
    "kept": st.integers(1, 4),
    "filters": st.integers(1, 3),
    "seed": st.integers(0, 999),
}


def layer_of(groups: int, factor: int, kept: int, filters: int, seed: int) -> LearnedGroupConv:
    torch.manual_seed(seed)
    return LearnedGroupConv(kept * factor, filters * groups, groups, factor)


def tiny(enliven: Any, groups: int = 4, factor: int = 4, **options: Any) -> CondenseNet:
    network = condensenet("2-2", "8-16", groups, factor, 1, num_classes=10, form="training", **options)
    assert isinstance(network, CondenseNet)
    enliven(network)
    return network.double()


def test_the_stages_of_the_paper() -> None:
    assert [stage_of(epoch / 300, 4) for epoch in (0, 49, 50, 99, 100, 149, 150, 299)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert stage_of(0.0, 1) == 0
    assert [stage_of(p, 2) for p in (0.0, 0.49, 0.5, 1.0)] == [0, 0, 1, 1]


@given(**shapes, steps=st.lists(st.floats(0.0, 1.0), max_size=6))
@settings(max_examples=60, deadline=None)
def test_drop_rule(groups: int, factor: int, kept: int, filters: int, seed: int, steps: list[float]) -> None:
    layer = layer_of(groups, factor, kept, filters, seed)
    inputs = kept * factor
    for progress in [*sorted(steps), 0.5]:
        before = layer.survivors()
        stage = max(layer.stage, stage_of(progress, factor))
        dropped = layer.advance(progress)
        after = layer.survivors()
        assert layer.stage == stage
        assert (after.sum(1) == inputs - stage * kept).all()
        assert (before.sum(1) - after.sum(1) == dropped).all()
        assert not (after & ~before).any()
        # Filters o = k G + g share the mask of group g; what goes is smaller than what stays.
        assert layer.groups_agree()
        for group in range(groups):
            norms = layer.conv.weight[group::groups, :, 0, 0].abs().sum(0)
            gone, left = norms[before[group] & ~after[group]], norms[after[group]]
            assert not len(gone) or not len(left) or gone.max() <= left.min()
    assert (layer.survivors().sum(1) == kept).all()
    assert layer.advance(1.0) == 0


def test_dropped_inputs_do_not_come_back_when_a_live_input_is_all_zero() -> None:
    layer = layer_of(groups=1, factor=4, kept=1, filters=1, seed=0)
    with torch.no_grad():
        layer.conv.weight.copy_(torch.tensor([0.4, 0.3, 0.2, 0.1]).view(1, 4, 1, 1))
    layer.advance(0.2)
    with torch.no_grad():
        layer.conv.weight[0, 0] = 0.0
    layer.advance(0.4)
    assert layer.survivors().tolist() == [[False, True, True, False]]


@given(**shapes, weak=st.floats(0.0, 1.0))
@settings(max_examples=20, deadline=None)
def test_lasso(groups: int, factor: int, kept: int, filters: int, seed: int, weak: float) -> None:
    layer = layer_of(groups, factor, kept, filters, seed)
    layer.advance(weak / 2 * 0.99)
    expected = 0.0
    if layer.stage < factor - 1:
        weight = (layer.conv.weight * layer._mask).detach()
        for group in range(groups):
            for column in range(kept * factor):
                expected += max(float((weight[group::groups, column] ** 2).sum()), 1e-6) ** 0.5
    assert layer.lasso().item() == pytest.approx(expected, rel=1e-4)
    layer.advance(0.5)
    assert layer.lasso().item() == 0.0


def test_lasso_lasts_until_the_last_stage_and_has_a_gradient() -> None:
    layer = layer_of(groups=2, factor=4, kept=2, filters=2, seed=1)
    layer.advance(0.4)  # stage 2 of 0..3, where G - 1 = 1
    lasso = layer.lasso()
    lasso.backward()
    assert lasso > 0
    assert layer.conv.weight.grad is not None
    assert (layer.conv.weight.grad != 0).any()


def test_evaluation_changes_nothing(enliven: Any) -> None:
    network = tiny(enliven)
    network.progress = 1.0
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for _ in range(2):
        network(torch.randn(1, 3, 8, 8, dtype=torch.float64))
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_progress_belongs_to_the_network(enliven: Any) -> None:
    first, second = tiny(enliven), tiny(enliven)
    assert first.set_progress(0.5) == 4
    assert first.set_progress(0.6) == 0
    assert all(layer.stage == 0 for layer in second.learned_groups().values())
    assert second.lasso() > first.lasso() == 0


@given(
    groups=st.sampled_from([1, 2, 4]),
    factor=st.sampled_from([1, 2, 4, 8]),
    steps=st.lists(st.floats(0.0, 0.49), max_size=3),
    reduction=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_condensing_is_exact(groups: int, factor: int, steps: list[float], reduction: float, seed: int) -> None:
    from edgekit.zoo.registry import calibrate_batch_norm

    torch.manual_seed(seed)
    options = {"num_classes": 5, "reduction": reduction, "form": "training"}
    network = condensenet("2-2", "8-16", groups, factor, 1, **options).double().eval()
    assert isinstance(network, CondenseNet)
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    calibrate_batch_norm(network, images)
    for progress in [*sorted(steps), 0.7]:
        network.set_progress(progress)
        with torch.no_grad():
            for layer in network.learned_groups().values():
                layer.conv.weight += 0.1 * torch.randn_like(layer.conv.weight)
    condensed = condense(network)
    with torch.no_grad():
        expected, found = network(images), condensed(images)
        for name, facts in condensed.facts().items():
            layer = network.learned_groups()[name]
            inputs, outputs = layer.conv.in_channels, layer.conv.out_channels
            kept = inputs // factor
            assert facts.groups == groups
            assert len(facts.index) == groups * kept
            for group in range(groups):
                used = facts.index[group * kept : (group + 1) * kept]
                assert list(used) == layer.survivors()[group].nonzero().flatten().tolist()
            # Output o of the layer is filter order[o] of the convolution, in group o mod G.
            assert [place // (outputs // groups) for place in facts.order] == [o % groups for o in range(outputs)]
            # Written out as a dense matrix the weights are the masked ones, bit for bit.
            grouped = condensed.get_submodule(name)
            assert isinstance(grouped, CondensedConv)
            dense = torch.zeros(outputs, inputs, dtype=torch.float64)
            for output, place in enumerate(facts.order):
                group = place // (outputs // groups)
                columns = list(facts.index[group * kept : (group + 1) * kept])
                dense[output, columns] = grouped.conv.weight[place, :, 0, 0]
            assert torch.equal(dense, (layer.conv.weight * layer._mask)[:, :, 0, 0])
            for mine, theirs in zip(grouped.norm.buffers(), layer.norm.buffers(), strict=True):
                assert torch.equal(mine, theirs[list(facts.index)] if theirs.ndim else theirs)
    # A dense kernel adds the same terms as a grouped one, but may order its sums in another way.
    assert (expected - found).abs().max() <= 1e-13 * expected.abs().max()


def test_an_untrained_or_half_trained_network_is_refused(enliven: Any) -> None:
    network = tiny(enliven)
    for progress in (0.0, 0.4):
        network.set_progress(progress)
        with pytest.raises(UsageError, match=r"denselayer_1\.conv_1, group 0: \d+ of 16 inputs survive, not 4"):
            condense(network)
    network.set_progress(0.5)
    layer = network.learned_groups()["features.denseblock_1.denselayer_1.conv_1"]
    layer._mask[-1] = 1 - layer._mask[-1]
    with pytest.raises(UsageError, match="filters of a group keep different inputs"):
        condense(network)


def test_other_networks_are_refused(enliven: Any) -> None:
    with pytest.raises(UsageError, match="a SqueezeNet cannot be condensed"):
        condense(squeezenet("1.1"))
    network = tiny(enliven)
    network.set_progress(1.0)
    with pytest.raises(UsageError, match="condensed already"):
        condense(condense(network))
    with pytest.raises(UsageError, match="no progress"):
        condense(network).set_progress(0.5)


def test_factors_that_do_not_divide_are_refused() -> None:
    with pytest.raises(UsageError, match="factor 3 does not divide 16"):
        condensenet("1", "8", 4, 3)
    with pytest.raises(UsageError, match="3 groups do not divide 32"):
        condensenet("1", "8", 3, 4)
    with pytest.raises(UsageError, match="'4,6' is not a list"):
        condensenet("4,6", "8")


def test_half_of_the_classifier(enliven: Any) -> None:
    network = tiny(enliven)
    network.set_progress(1.0)
    condensed = condense(network, half_classifier=True)
    weight = network.classifier.weight
    assert isinstance(weight, nn.Parameter)
    norms = weight.abs().sum(0)
    index = condensed.get_buffer("classifier.index")
    assert torch.equal(norms[index], norms.sort().values[-len(norms) // 2 :])
    # What it computes is the whole network with the other half of the weights at zero.
    with torch.no_grad():
        kept = torch.zeros_like(weight)
        kept[:, index] = weight[:, index]
        weight.copy_(kept)
        x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
        torch.testing.assert_close(condensed(x), network(x))
