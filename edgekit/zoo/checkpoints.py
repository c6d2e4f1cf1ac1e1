"""Load public checkpoints safely: tensors only, strictly, with the layout named.

Files are ``.pth``/``.pt`` (read with ``weights_only=True``: code in a pickle is refused) or ``.safetensors``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..base.files import sha256_file
from ..errors import UsageError
from .layouts import TRAINED_AS, adopt, load_strictly, translate
from .refusals import refusal

EDGEKIT = "edgekit"
"""Key under which a checkpoint of edgekit's trainer says what it is: ``model``, ``architecture``, ``layout`` …"""


def read_state(path: Path) -> dict[str, Tensor]:
    """The name-to-tensor table of a checkpoint file.

    Raises:
        UsageError: missing, truncated, holding code, or without tensors.
    """
    return unwrap(read_file(path), path)


def read_header(path: Path) -> dict[str, Any]:
    """What a checkpoint of edgekit says of itself; empty for any other.

    Raises:
        UsageError: see :func:`read_state`.
    """
    return header_of(read_file(path))


def header_of(loaded: Any) -> dict[str, Any]:
    """The header inside a file's content; empty without one."""
    header = loaded.get(EDGEKIT) if isinstance(loaded, dict) else None
    return header if isinstance(header, dict) else {}


def read_file(path: Path) -> Any:
    """The content of a checkpoint file, tensors and plain values; see :func:`read_state`."""
    if not path.is_file():
        raise UsageError(f"no checkpoint at {path}", "give --weights an existing .pth, .pt or .safetensors file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded: Any = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # readers of foreign bytes raise anything; it is the file's fault
        raise refusal(path, error) from error
    return loaded


def unwrap(loaded: Any, path: Path) -> dict[str, Tensor]:
    """The state dict inside the usual wrappers: ``{"state_dict": …}``, ``{"model": …}``, ``module.`` prefixes."""
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise UsageError(f"{path} holds no state dict", "save it with torch.save(model.state_dict(), FILE)")
    if all(str(key).startswith("module.") for key in loaded):
        loaded = {str(key).removeprefix("module."): value for key, value in loaded.items()}
    return {str(key): value for key, value in loaded.items()}


def load_checkpoint(network: nn.Module, path: Path) -> tuple[str, str]:
    """Load ``path`` into ``network`` in place, strictly, whichever of the known layouts it has.

    What the weights were trained with and no tensor says (BN epsilon, activation, shuffle order) is set as well.

    Returns:
        The layout's name and the file's sha256.

    Raises:
        UsageError: see :func:`read_state`; or keys or shapes differ, with the first of each; or the weights need TF's
            padding, which the network does not have.
    """
    if path.name.startswith("tf_"):
        raise UsageError(
            f"{path.name} holds weights converted from TensorFlow, which need TF's asymmetric padding",
            "take the publisher's own weights: the file without tf_",
        )
    content = read_file(path)
    state = unwrap(content, path)
    recorded = str(header_of(content).get("layout", ""))
    layout = ""
    try:
        layout, state = translate(network, state)
        load_strictly(network, state)
    except UsageError as error:
        named = f" ({layout} layout)" if layout else ""
        raise UsageError(f"{path}{named} does not fit this network: {error}", error.hint) from error
    if recorded:
        # Saved under edgekit's own names after training from a foreign file, whose conventions it still has.
        layout = TRAINED_AS + recorded
    adopt(network, layout)
    return layout, sha256_file(path)


def sha256_state(network: nn.Module) -> str:
    """Digest over the names and values of a network's state, for weights that have no file."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
