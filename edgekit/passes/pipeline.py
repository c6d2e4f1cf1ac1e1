"""Apply a profile's rewrites in order and say what each changed."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, fx, nn

from ..base import plugins
from ..errors import UsageError, did_you_mean
from ..types import Rewrite
from ._pass import Pass, rewrite
from .absorb_scale import absorb_scale
from .absorb_shuffle import absorb_shuffle
from .absorb_sixth import absorb_hard_sigmoid_sixth, absorb_hard_swish_sixth
from .align_groups import align_groups
from .channel_flow import Permutation
from .cross_layer_equalization import cross_layer_equalization
from .dense_index import dense_index, dense_narrow_index
from .densify_group_conv import (
    densify_first_pointwise,
    densify_first_stage,
    densify_narrow_spatial,
    densify_pointwise,
    densify_shuffled,
    densify_spatial,
)
from .flatten_maps import flatten_maps
from .fold_batch_norm import fold_batch_norm
from .fold_channel_shuffle import fold_channel_shuffle
from .gather_rows import gather_rows
from .hoist_batch_norm import hoist_batch_norm
from .hoist_relu import hoist_relu
from .linear_as_conv import linear_as_conv
from .lower_batch_norm import lower_batch_norm
from .pack_pixels import pack_dense_pixels, pack_pixels, pack_pixels_by_eight, pack_pixels_in_rows
from .pad_hidden import pad_depthwise, pad_hidden
from .pointwise_on_rows import pointwise_on_rows
from .pool_as_depthwise import pool_as_depthwise
from .pool_as_mean import pool_as_mean
from .postpone_shuffle import postpone_shuffle
from .shapes import propagate_shapes
from .shuffle_as_gather import shuffle_as_gather
from .shuffle_channels_last import shuffle_channels_last
from .split_hard_swish import split_hard_swish
from .split_shuffled import split_shuffled
from .zero_pad_pool import zero_pad_pool

PASSES: dict[str, Pass] = {
    apply.__name__: apply
    for apply in (
        hoist_batch_norm,
        fold_batch_norm,
        dense_index,
        dense_narrow_index,
        densify_shuffled,
        densify_pointwise,
        densify_spatial,
        densify_first_stage,
        densify_narrow_spatial,
        densify_first_pointwise,
        align_groups,
        absorb_shuffle,
        absorb_scale,
        lower_batch_norm,
        fold_channel_shuffle,
        gather_rows,
        postpone_shuffle,
        shuffle_as_gather,
        shuffle_channels_last,
        absorb_hard_sigmoid_sixth,
        absorb_hard_swish_sixth,
        split_hard_swish,
        split_shuffled,
        hoist_relu,
        cross_layer_equalization,
        zero_pad_pool,
        pad_hidden,
        pad_depthwise,
        pack_pixels,
        pack_pixels_by_eight,
        pack_dense_pixels,
        pack_pixels_in_rows,
        flatten_maps,
        pointwise_on_rows,
        linear_as_conv,
        pool_as_mean,
        pool_as_depthwise,
    )
}
"""Every rewrite by its name, as profiles and forms list it."""


class Tracer(fx.Tracer):
    """Keeps a channel shuffle as one node, so that passes see the permutation and not its reshapes."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """True for torch's own layers and for permutations."""
        return isinstance(m, Permutation) or super().is_leaf_module(m, module_qualified_name)


def apply_rewrites(
    network: nn.Module, names: Iterable[str], sample: Tensor
) -> tuple[fx.GraphModule, tuple[Rewrite, ...]]:
    """A rewritten copy of ``network`` (eval mode) and a record per pass.

    Args:
        network: traceable by torch.fx.
        names: passes in order.
        sample: an input, ``(1, C, H, W)``, to propagate shapes with.

    Raises:
        UsageError: a profile names an unknown pass.
    """
    traced = fx.GraphModule(network, Tracer().trace(network))
    propagate_shapes(traced, sample)
    done = [Rewrite(name=name, count=pass_of(name)(traced)) for name in names]
    return traced.eval(), tuple(done)


def pass_of(name: str) -> Pass:
    """The rewrite of a name: edgekit's, or a plug-in's, which leaves a clean graph in any case.

    Raises:
        UsageError: there is none of that name.
        ToolError: the plug-in cannot be imported.
    """
    others = plugins.names_of("passes", PASSES)
    if name in PASSES:
        return PASSES[name]
    if name not in others:
        raise UsageError(f"unknown rewrite {name!r}", did_you_mean(name, [*PASSES, *others]))
    return rewrite(plugins.load("passes", name))
