"""Bring the names of a checkpoint's tensors to the network's: wrappers' prefixes, profilers' extras, an exchanged head.

``nn.DataParallel``, ``torch.compile``, Lightning modules and averages put words before every name; thop and SWA add
counters. A head that was made anew has the right shape under a name of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .state_tables import State, is_average

if TYPE_CHECKING:
    from torch import nn

WRAPPERS = {"module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""Parts of names that a wrapper puts in, anywhere."""
COUNTERS = {"total_ops", "total_params", "n_averaged"}
"""Last parts of names: what thop counted, and how many states an average is of."""
OF_TRAINING = re.compile(r"^(criterion|loss|\w+_loss|loss_\w+|\w*metrics?|(train|val|valid|test)_\w+|acc|accuracy)\.")
"""Tensors of a Lightning module that are no part of the network."""
FOREIGN_ROOTS = {"conv_stem", "blocks", "conv_head", "features", "output", "first_conv", "conv_last"}
QUANTIZED = {"zero_point", "_packed_params"}
FEW = 2
"""Tensors of a single layer."""


def plain_names(state: State, network: nn.Module | None, path: Path, *, ema: bool = False) -> State:
    """``state`` without wrappers' prefixes and counters.

    Args:
        state: tensors by name.
        network: whose names to look for; without it only a prefix that all names have is taken off.
        path: for messages.
        ema: of two networks in one table, take the average.

    Raises:
        UsageError: quantized tensors, or two networks of which neither is the likelier.
    """
    check_float(state, path)
    kept: State = {}
    for key, value in state.items():
        parts = [part for part in key.split(".") if part not in WRAPPERS]
        if parts and parts[-1] not in COUNTERS and not OF_TRAINING.match(key):
            kept[".".join(parts)] = value
    known = set() if network is None else FOREIGN_ROOTS | {name.partition(".")[0] for name in network.state_dict()}
    while True:
        roots = Counter(name.partition(".")[0] for name in kept)
        if 2 * sum(roots[root] for root in known) >= roots.total() or (not known and len(roots) != 1):
            return kept
        root = network_root(roots, path, ema=ema)
        inner = {key.partition(".")[2]: value for key, value in kept.items() if key.startswith(f"{root}.")}
        if not inner or "" in inner:
            return kept
        # What stands beside may be the head; if it is not, the loading says that it is too much.
        # The other one of weights and average is left.
        others = {r for r in roots if r != root and not (is_average(r) or (ema and roots[r] > FEW))}
        kept = inner | {key: value for key, value in kept.items() if key.partition(".")[0] in others}


def check_float(state: State, path: Path) -> None:
    """Refuse the tables of quantized networks.

    Raises:
        UsageError: it is one.
    """
    for key, value in state.items():
        if value.is_quantized or key.rpartition(".")[2] in QUANTIZED:
            raise UsageError(
                f"{path} holds quantized weights ({key}), which no float network can be made from",
                "give the float checkpoint that was quantized; edgekit export --int8 quantizes it",
            )


def network_root(roots: Counter[str], path: Path, *, ema: bool) -> str:
    """The first part of the names of the network's tensors, where others stand beside them.

    Raises:
        UsageError: two are equally likely.
    """
    wanted = [root for root in roots if is_average(root) == ema] or list(roots)
    first, *rest = sorted(wanted, key=lambda root: -roots[root])
    if rest and roots[rest[0]] == roots[first] and roots[first] > FEW:
        raise UsageError(f"{path} holds several networks: {', '.join(wanted)}", "save the one that you mean alone")
    return first
