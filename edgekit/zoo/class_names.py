"""The names of a network's classes, where the file of its weights holds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.untrusted import read_json
from ..errors import UsageError
from ..types import ModelCard
from .checkpoints import header_of
from .preprocessing_files import LARGEST_SIDECAR
from .safe_load import read_file

LISTS = ("classes", "class_names", "idx_to_class")
TABLE = "class_to_idx"
"""Keys under which trainers keep names beside the tensors; the table is ImageFolder's own."""


def class_names(card: ModelCard, checkpoint: Path | None, sha256: str, classes: int) -> tuple[str, ...]:
    """Names by class number; empty where nobody kept them.

    The published ImageNet weights have no names but their class numbers.

    Args:
        card: of the network.
        checkpoint: file of its weights; None for random ones.
        sha256: digest of the file.
        classes: scores that the network gives.
    """
    if checkpoint is None:
        return ()
    named_beside = beside(checkpoint)
    if len(named_beside) == classes:
        return named_beside
    published = any(entry.sha256 and sha256.startswith(entry.sha256) for entry in card.weights)
    if published and classes == card.num_classes:
        return tuple(map(str, range(classes)))
    if checkpoint.suffix == ".safetensors":
        return ()
    content = read_file(checkpoint)
    own = header_of(content).get("classes")
    if isinstance(own, list | tuple):
        return named(own)
    if not isinstance(content, Mapping):
        return ()
    return next((names for names in map(named, places(content)) if len(names) == classes), ())


def beside(checkpoint: Path) -> tuple[str, ...]:
    """The names in the ``config.json`` of timm (``label_names``) or transformers (``id2label``) beside the file."""
    try:
        content = read_json(checkpoint.parent / "config.json", "", LARGEST_SIDECAR)
    except UsageError:  # of another program, or none at all
        return ()
    keys = ("label_names", "id2label")
    found = [named(content[key]) for key in keys if key in content] if isinstance(content, dict) else []
    return next((names for names in found if names), ())


def places(content: Mapping[Any, Any]) -> list[Any]:
    """What may be class names in a checkpoint, by class number."""
    found = [content[key] for key in LISTS if key in content]
    table = content.get(TABLE)
    if isinstance(table, Mapping) and all(type(number) is int for number in table.values()):
        found.append({number: name for name, number in table.items()})
    return found


def named(value: Any) -> tuple[str, ...]:
    """A list, or a table by number, of names; empty for anything else."""
    if isinstance(value, Mapping):
        by_number = {str(key): name for key, name in value.items()}
        value = [by_number.get(str(number)) for number in range(len(value))]
    ok = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    return tuple(name.replace("\n", " ") for name in value) if ok else ()
