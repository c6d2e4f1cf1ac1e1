"""Write CondenseNet's "gather channels, BN, ReLU, 1x1 group convolution" without the gather, as a dense convolution.

    conv(relu(bn(x[index]))) = dense(relu(bn'(x)))

Every group's weights go to the columns of the channels that it gathers. It costs ``in / index`` times ``groups`` the
MACs; gathers are gone, which matters most where a delegate does not take them. Precondition: copies of a channel share
their BN parameters, as those of a condensed network do, and nothing else reads what is between.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import call_instead, channels_of, is_gather

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Identity)
NARROW = 8


@rewrite
def dense_index(graph_module: fx.GraphModule) -> int:
    """Rewrite in place; returns how many gathers went."""
    return rewrite_all(graph_module, lambda _: True)


@rewrite
def dense_narrow_index(graph_module: fx.GraphModule) -> int:
    """The same where each group gives at most :data:`NARROW` channels, which leave most of a vector idle; how many.

    These are the layers with the largest maps, where gathering and shuffling cost the most.
    """
    return rewrite_all(
        graph_module, lambda layer: isinstance(layer, nn.Conv2d) and layer.out_channels // layer.groups <= NARROW
    )


def rewrite_all(graph_module: fx.GraphModule, wanted: Callable[[nn.Module], bool]) -> int:
    """Rewrite the gathers before the layers that are ``wanted``; returns how many."""
    changed = 0
    for node in list(graph_module.graph.nodes):
        if is_gather(node):
            changed += make_dense(graph_module, node, wanted)
    return changed


def make_dense(graph_module: fx.GraphModule, gather: fx.Node, wanted: Callable[[nn.Module], bool]) -> bool:
    """Rewrite one gather; False when what follows it is something else, or not wanted."""
    modules = modules_of(graph_module)
    source, _, index_node = gather.args
    if not isinstance(source, fx.Node) or not isinstance(index_node, fx.Node) or index_node.op != "get_attr":
        return False
    index = constant(graph_module, index_node)
    channels = channels_of(source)
    chain, node = [], gather
    while len(node.users) == 1:
        node = next(iter(node.users))
        layer = module_of(node, modules)
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            break
        if not isinstance(layer, (nn.BatchNorm2d, *ACTIVATIONS)):
            return False
        chain.append((node, layer))
    else:
        return False
    norms = [(n, spread(layer, index, channels)) for n, layer in chain if isinstance(layer, nn.BatchNorm2d)]
    if channels == 0 or not wanted(layer) or any(norm is None for _, norm in norms):
        return False
    if isinstance(layer, nn.Conv2d) and (layer.kernel_size != (1, 1) or layer.padding != (0, 0)):
        return False
    call_instead(graph_module, node, spread_columns(layer, index, channels), "ungathered")
    for norm_node, norm in norms:
        assert norm is not None
        call_instead(graph_module, norm_node, norm, "ungathered")
    gather.replace_all_uses_with(source)
    return True


def constant(graph_module: fx.GraphModule, node: fx.Node) -> torch.Tensor:
    """The buffer that a ``get_attr`` node reads."""
    owner, _, name = str(node.target).rpartition(".")
    value = getattr(graph_module.get_submodule(owner), name)
    assert isinstance(value, torch.Tensor)
    return value


def spread(norm: nn.BatchNorm2d, index: torch.Tensor, channels: int) -> nn.BatchNorm2d | None:
    """The BN of all ``channels`` whose gathered copies are ``norm``'s, or None when copies of one differ."""
    whole = nn.BatchNorm2d(channels, norm.eps, affine=norm.affine, dtype=norm.running_mean.dtype)  # type: ignore[union-attr]
    for name, value in norm.state_dict().items():
        if value.ndim:
            target = whole.state_dict()[name]
            target[index] = value
            if not torch.equal(target[index], value):
                return None
    return whole.eval()


def spread_columns(layer: nn.Conv2d | nn.Linear, index: torch.Tensor, channels: int) -> nn.Conv2d | nn.Linear:
    """The dense layer that reads every channel: a channel gathered twice by one group has its columns added."""
    has_bias, dtype = layer.bias is not None, layer.weight.dtype
    whole: nn.Conv2d | nn.Linear
    if isinstance(layer, nn.Linear):
        whole, groups = nn.Linear(channels, layer.out_features, bias=has_bias, dtype=dtype), 1
    else:
        stride: tuple[int, int] = layer.stride  # type: ignore[assignment]
        whole = nn.Conv2d(channels, layer.out_channels, 1, stride, bias=has_bias, dtype=dtype)
        groups = layer.groups
    rows, columns = layer.weight.shape[0] // groups, len(index) // groups
    with torch.no_grad():
        whole.weight.zero_()
        for group in range(groups):
            block = slice(group * rows, (group + 1) * rows)
            part = index[group * columns : (group + 1) * columns]
            whole.weight[block] = whole.weight[block].index_add(1, part, layer.weight[block])
        if whole.bias is not None and layer.bias is not None:
            whole.bias.copy_(layer.bias)
    return whole.eval()
