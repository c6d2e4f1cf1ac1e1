"""What the tests of rewrites share: networks that hide no error, and the comparison."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import fx, nn

from edgekit.passes.pipeline import apply_rewrites
from edgekit.types import Rewrite
from edgekit.zoo.learned_group_conv import CondensedConv


def lively(network: nn.Module, seed: int = 3) -> nn.Module:
    """BN with statistics and parameters of its own, in float64 and eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for name, low, high in (
                ("running_mean", -0.3, 0.3),
                ("running_var", 0.5, 2),
                ("weight", 0.5, 1.5),
                ("bias", -0.5, 0.5),
            ):
                value = getattr(module, name)
                if value is not None:
                    value.data.uniform_(low, high, generator=generator)
    return network.double().eval()


def share_norms(network: nn.Module) -> nn.Module:
    """Give all copies of a gathered channel one set of BN parameters, as condensing a trained network does."""
    for module in network.modules():
        if isinstance(module, CondensedConv):
            for value in module.norm.state_dict().values():
                if value.ndim:
                    first = torch.empty(int(module.index.max()) + 1, dtype=value.dtype)
                    first[module.index] = value.clone()
                    value.copy_(first[module.index])
    return network


def rewritten(
    network: nn.Module, names: Sequence[str], shape: tuple[int, ...]
) -> tuple[fx.GraphModule, dict[str, int]]:
    """The rewritten network and how many places each pass changed, after checking that the function is the same."""
    sample = 3 * torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    result, done = apply_rewrites(network, names, sample)
    result.graph.lint()
    with torch.no_grad():
        torch.testing.assert_close(result(sample), network(sample), rtol=1e-10, atol=1e-10)
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in before.items()), "the source was changed"
    return result, counts(done)


def counts(done: Sequence[Rewrite]) -> dict[str, int]:
    """Changes by pass."""
    return {rewrite.name: rewrite.count for rewrite in done}


def layers(network: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    """The layers of one class that the graph calls."""
    return [module for module in network.modules() if type(module) is kind]
