"""The weights that a hub's name stands for, where they are on this machine already."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from ..base.fetched.hubs import HubId, snapshot, torch_cache
from ..base.files import sha256_file
from ..base.folders import weights_folder
from ..errors import UsageError
from ..types import ModelCard, Weights


def hub_weights(card: ModelCard, wanted: HubId) -> Path:
    """The checkpoint of a hub's network, from the cache of ``huggingface_hub``, of PyTorch or of edgekit.

    Raises:
        UsageError: it is another network than the card's, has no weights of that tag, or they are not on this machine.
    """
    if wanted.name.lower() not in {card.id, *card.aliases}:
        raise UsageError(f"{wanted} is another network than {card.id}", "name one of the two")
    entry = entry_of(card, wanted)
    found = snapshot(str(wanted)) if wanted.hub == "timm" else None
    if found is None and wanted.hub == "timm" and not wanted.tag and entry is not None:
        found = snapshot(f"timm/{entry.name.split()[-1]}")
    found = found or by_digest(entry)
    if found is None:
        way = f"hf download {wanted}" if wanted.hub == "timm" else f"edgekit export {card.id} --weights pretrained"
        raise UsageError(
            f"the weights of {wanted} are not on this machine", f"fetch them ({way}), or give --weights FILE"
        )
    return found


def entry_of(card: ModelCard, wanted: HubId) -> Weights | None:
    """The card's entry of a tag, or of the first tag where the name has none.

    Raises:
        UsageError: torchvision has no weights of that tag.
    """
    known = [entry for entry in card.weights if entry.name.startswith(f"{wanted.hub} ")]
    full = f"{wanted.name}.{wanted.tag}" if wanted.tag else wanted.name
    for entry in known:
        name = entry.name.split()[-1]
        name = name if wanted.hub == "timm" else f"{wanted.name}.{name}"
        if full.lower() in (name.lower(), *([] if wanted.tag else [name.lower().partition(".")[0]])):
            return entry
    if wanted.hub == "torchvision":
        tags = ", ".join(entry.name.split()[-1] for entry in known)
        raise UsageError(f"torchvision has no weights {wanted.tag} of {card.id}", f"known: {tags or 'none'}")
    return None


def by_digest(entry: Weights | None) -> Path | None:
    """A file in PyTorch's cache or in edgekit's whose name or folder tells the digest, and whose content has it."""
    if entry is None or not entry.sha256:
        return None
    name = Path(urlsplit(entry.url).path).name if entry.url else f"*-{entry.sha256[:8]}.pth"
    for path in (*sorted(torch_cache().glob(name)), *sorted(weights_folder().glob(f"{entry.sha256}*/*"))):
        if path.is_file() and sha256_file(path).startswith(entry.sha256):
            return path
    return None
