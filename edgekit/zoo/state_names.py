"""Bring the names of a checkpoint's tensors to the network's: wrappers' prefixes, profilers' extras, an exchanged head.

``nn.DataParallel``, ``torch.compile``, Lightning modules and averages put words before every name; thop and SWA add
counters. A head that was made anew has the right shape under a name of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError, shown
from .conventions import KERAS_ROOT
from .state_tables import State, is_average
from .written_out import unwatched, written_out

if TYPE_CHECKING:
    from torch import Tensor, nn

WRAPPERS = {"module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""Parts of names that a wrapper puts in, anywhere."""
COUNTERS = {"total_ops", "total_params", "n_averaged"}
"""Last parts of names: what thop counted, and how many states an average is of."""
OF_TRAINING = re.compile(r"^(criterion|loss|\w+_loss|loss_\w+|\w*metrics?|(train|val|valid|test)_\w+|acc|accuracy)\.")
"""Tensors of a Lightning module that are no part of the network."""
FOREIGN_ROOTS = {
    *("conv_stem", "blocks", "conv_head", "features", "output", "first_conv", "conv_last"),
    *(KERAS_ROOT.rstrip("."), "MobilenetV1", "MobilenetV2", "MobilenetV3", "layer", "conv_1x1"),
    *("conv1", "conv10", *(f"fire{number}" for number in range(2, 10))),
    *("conv2", "layers", *(f"layer{number}" for number in range(18))),  # mmpretrain
}
QUANTIZED = {"zero_point", "_packed_params"}
RANGES_LEFT = "the ranges that PyTorch's observers found for int8 were left out; --int8 finds its own"
FEW = 2
"""Tensors of a single layer."""


@dataclass(frozen=True)
class Named:
    """Tensors under the network's names.

    Attributes:
        root: the prefix that was taken off where weights and average had one each; else empty.
        other: the prefix of the one that was left.
        notes: what was left out of the file, in words.
    """

    state: State
    root: str = ""
    other: str = ""
    notes: tuple[str, ...] = ()


def plain_names(state: State, network: nn.Module | None, path: Path, *, ema: bool = False) -> Named:
    """``state`` without wrappers' prefixes and counters.

    Args:
        state: tensors by name.
        network: whose names to look for; without it only a prefix that all names have is taken off.
        path: for messages.
        ema: of two networks in one table, take the average.

    Raises:
        UsageError: quantized tensors, or two networks of which neither is the likelier.
    """
    state, watched = unwatched(state)
    notes: tuple[str, ...] = (RANGES_LEFT,) if watched else ()
    check_float(state, path)
    kept: State = {}
    for key, value in state.items():
        parts = [part for part in key.split(".") if part not in WRAPPERS]
        if parts and parts[-1] not in COUNTERS and not OF_TRAINING.match(key):
            kept[".".join(parts)] = value
    kept = written_out(kept)
    known = set() if network is None else FOREIGN_ROOTS | {name.partition(".")[0] for name in network.state_dict()}
    pair = ("", "")
    while True:
        roots = Counter(name.partition(".")[0] for name in kept)
        if 2 * sum(roots[root] for root in known) >= roots.total() or (not known and len(roots) != 1):
            return Named(kept, *pair, notes)
        fitting = the_fitting(kept, network)
        if fitting:
            strangers = [r for r in roots if r not in fitting and not is_average(r)]
            notes += (f"only {fitting} fits this network; left out: {', '.join(strangers)}",) if strangers else ()
            kept = {key: value for key, value in kept.items() if key.partition(".")[0] not in strangers}
            roots = Counter(name.partition(".")[0] for name in kept)
        root = network_root(roots, path, ema=ema)
        inner = {key.partition(".")[2]: value for key, value in kept.items() if key.startswith(f"{root}.")}
        if not inner or "" in inner:
            return Named(kept, *pair, notes)
        # What stands beside may be the head; if it is not, the loading says that it is too much.
        # The other one of weights and average is left.
        others = {r for r in roots if r != root and not (is_average(r) or (ema and roots[r] > FEW))}
        left = [r for r in roots if r not in {root, *others} and roots[r] > FEW]
        pair = (root, left[0]) if left else pair
        beside = {key: value for key, value in kept.items() if key.partition(".")[0] in others}
        kept = inner | {key: value for key, value in beside.items() if is_layer(key.partition(".")[0], beside)}


def the_fitting(state: State, network: nn.Module | None) -> str:
    """The prefix of the one whole network of these names, where another whole network stands beside it; else empty.

    A teacher stands beside its student, and may have more tensors. What is smaller may be a head, and stays.
    """
    if network is None:
        return ""
    own = {key for key in network.state_dict() if not key.endswith("num_batches_tracked")}
    tables: dict[str, set[str]] = {}
    for key in state:
        root, _, name = key.partition(".")
        tables.setdefault(root, set()).add(name)
    plain = {root: names for root, names in tables.items() if not is_average(root)}
    fitting = [root for root, names in plain.items() if own <= names]
    if len(fitting) != 1 or len(plain) == 1:
        return ""
    others = [names for root, names in plain.items() if root != fitting[0]]
    return fitting[0] if all(2 * len(names) >= len(own) for names in others) else ""


def is_layer(root: str, beside: State) -> bool:
    """True when what stands beside a network under ``root`` computes something: layers, or the mean of the pixels.

    The others are counts of a metric.
    """
    own = [(key, value) for key, value in beside.items() if key.partition(".")[0] == root]
    return any(value.ndim > 1 and key.endswith("weight") for key, value in own) or any(
        re.search(r"mean|std|norm", key) for key, _ in own
    )


def check_float(state: State, path: Path) -> None:
    """Refuse tensors that are no plain arrays of real numbers, by their kind.

    Raises:
        UsageError: there is one.
    """
    for key, value in state.items():
        if value.is_quantized or key.rpartition(".")[2] in QUANTIZED:
            raise UsageError(
                f"{path} holds quantized weights ({shown(key)}), which no float network can be made from",
                "give the float checkpoint that was quantized; edgekit export --int8 quantizes it",
            )
        kind = odd_kind(value)
        if kind is not None:
            raise UsageError(f"{path}: {shown(key)} is {kind[0]}", kind[1])


def odd_kind(value: Tensor) -> tuple[str, str] | None:
    """What a tensor is that no network can take, and what to save instead; None for a dense one of real numbers."""
    if value.is_meta:
        return "a meta tensor: it has a shape and no values", "save the network after its weights were loaded"
    if value.is_nested:
        return "a nested tensor, whose rows differ in length", "save it as a plain tensor"
    if str(value.layout) != "torch.strided":
        kind = str(value.layout).removeprefix("torch.").replace("_", " ")
        return f"a sparse tensor ({kind}), and weights are dense", "save it dense: tensor.to_dense()"
    if value.is_complex():
        kind = str(value.dtype).removeprefix("torch.")
        return (
            f"a complex tensor ({kind}), and weights are real numbers",
            "save its real part, where that is meant",
        )
    return None


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
