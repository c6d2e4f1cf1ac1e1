"""Load public checkpoints safely: tensors only, strictly, with the layout named.

Files are what ``torch.save`` writes, in any wrapper that trainers use, ``.safetensors``, arrays of NumPy or frozen
TensorFlow graphs. No code in a file runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.files import sha256_file
from ..errors import UsageError, shown
from .foreign_arrays import Foreign
from .layout_names import LAYOUTS
from .layouts import TRAINED_AS, adopt, load_strictly, translate
from .refusals import WAY_OUT
from .safe_load import read_file
from .state_names import plain_names
from .state_tables import find_table, is_average

if TYPE_CHECKING:
    from torch import Tensor, nn

Ranges = Mapping[str, tuple[float, float]]
"""Smallest and largest value of tensors, by name."""

EDGEKIT = "edgekit"
"""Key under which a checkpoint of edgekit's trainer says what it is: ``model``, ``architecture``, ``layout`` …"""


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds of a network.

    Attributes:
        state: tensors by name, without wrappers' prefixes.
        trained_as: the foreign layout whose conventions the weights have, though the names are edgekit's; else empty.
        architecture: what a checkpoint of edgekit's trainer says of its network; empty for others.
        ranges: of its tensors, by the nodes of its graph, as quantization-aware training learnt them; empty without.
        notes: what of the file was left out, in words.
        key: where in the file the tensors are, keys joined by dots; empty for the file's own level.
        average: they are the moving average of the weights.
        other: as ``key``, of the average beside the weights, or of the weights beside the average; empty without one.
    """

    path: Path
    state: dict[str, Tensor]
    trained_as: str = ""
    key: str = ""
    average: bool = False
    other: str = ""
    architecture: Mapping[str, Any] = field(default_factory=dict)
    ranges: Ranges = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_checkpoint(path: Path, network: nn.Module | None = None, *, ema: bool = False) -> Checkpoint:
    """The weights in a file.

    Args:
        path: the file.
        network: whose names to look for beneath a framework's; see :func:`plain_names`.
        ema: take the moving average of the weights instead of the weights.

    Raises:
        UsageError: missing, truncated, not readable without running code, without weights, quantized, or without the
            average that is asked for.
    """
    content = read_file(path)
    foreign = content if isinstance(content, Foreign) else None
    table = find_table(content if foreign is None else foreign.state, path, ema=ema)
    named = plain_names(table.state, network, path, ema=ema)
    header = header_of(content)
    said = header.get("architecture", {})
    if not isinstance(said, dict):
        raise UsageError(f"{path} says of its own architecture {shown(said)}, which is not a table", WAY_OUT)
    return Checkpoint(
        path=path,
        state=named.state,
        trained_as=known_layout(header, path),
        key=".".join(filter(None, (table.key, named.root))),
        average=ema or table.average or is_average(table.key),
        other=table.other or ".".join(filter(None, (named.other and table.key, named.other))),
        architecture=said,
        ranges=known_ranges(header, path),
        notes=(*(() if foreign is None else foreign.notes), *table.notes, *named.notes),
    )


def read_state(path: Path, network: nn.Module | None = None) -> dict[str, Tensor]:
    """The name-to-tensor table of a checkpoint file; see :func:`read_checkpoint`."""
    return read_checkpoint(path, network).state


def read_header(path: Path) -> dict[str, Any]:
    """What a checkpoint of edgekit says of itself, as read: nothing in it is checked yet. Empty for any other.

    Raises:
        UsageError: see :func:`read_file`.
    """
    return header_of(read_file(path))


def header_of(loaded: Any) -> dict[str, Any]:
    """The header inside a file's content; empty without one."""
    header = loaded.get(EDGEKIT) if isinstance(loaded, dict) else None
    return header if isinstance(header, dict) else {}


def known_layout(header: Mapping[str, Any], path: Path) -> str:
    """The layout that a checkpoint of edgekit says its weights were trained as; empty where it says none.

    Raises:
        UsageError: it is none that edgekit knows.
    """
    said = header.get("layout", "")
    known = {layout.name for layout in LAYOUTS}
    if isinstance(said, str) and said in {"", *known}:
        return said
    raise UsageError(
        f"{path} says of itself that it was trained from the layout {shown(said)}, which edgekit does not know",
        f"known: {', '.join(sorted(known))}; a newer edgekit may know more",
    )


def known_ranges(header: Mapping[str, Any], path: Path) -> Ranges:
    """The ranges that quantization-aware training left in a checkpoint of edgekit; empty where it left none.

    Raises:
        UsageError: they are no table of pairs of numbers around zero.
    """
    said = header.get("ranges", {})
    try:
        found = {str(name): (float(low), float(high)) for name, (low, high) in said.items()}
    except (AttributeError, TypeError, ValueError):
        found = {"": (1.0, 0.0)}
    if all(-inf < low <= 0 <= high < inf for low, high in found.values()):
        return found
    raise UsageError(f"{path} says of its ranges {shown(said)}, which are no pairs of numbers around zero", WAY_OUT)


def load_checkpoint(network: nn.Module, path: Path) -> tuple[str, str]:
    """Load ``path`` into ``network`` in place, strictly, whichever of the known layouts it has.

    Returns:
        The layout's name and the file's sha256.

    Raises:
        UsageError: see :func:`read_checkpoint` and :func:`load_into`.
    """
    return load_into(network, read_checkpoint(path, network)), sha256_file(path)


def load_into(network: nn.Module, checkpoint: Checkpoint, *, own_eps: bool = False) -> str:
    """Load a checkpoint that was read into ``network`` in place, and name its layout.

    What the weights were trained with and no tensor says (BN epsilon, activation, shuffle order) is set as well; not
    the epsilon where ``own_eps`` says that the network has its card's.

    Raises:
        UsageError: keys, shapes or types differ, with the first of each and the likeliest cause.
    """
    layout = ""
    try:
        layout, state = translate(network, checkpoint.state)
        load_strictly(network, state)
    except UsageError as error:
        named = f" ({layout} layout)" if layout else ""
        raise UsageError(f"{checkpoint.path}{named} does not fit this network: {error}", error.hint) from error
    if checkpoint.trained_as:
        # Saved under edgekit's own names after training from a foreign file, whose conventions it still has.
        layout = TRAINED_AS + checkpoint.trained_as
    adopt(network, layout, own_eps=own_eps)
    return layout


def sha256_state(network: nn.Module) -> str:
    """Digest over the names and values of a network's state, for weights that have no file."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
