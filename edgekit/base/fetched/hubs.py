"""Names that networks have on public hubs, ``timm/mobilenetv3_large_100.ra_in1k``, and the hubs' own caches.

Nothing is fetched from here. Layout of the caches: the documentation of ``huggingface_hub`` and of ``torch.hub``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..folders import users_caches

PATTERN = re.compile(r"(?:hf[-_]hub:)?(timm|torchvision)/([A-Za-z0-9_]{1,80})(?:\.([A-Za-z0-9_]{1,80}))?")
FILES = ("model.safetensors", "pytorch_model.bin")
"""What timm's repositories hold, the better one first."""


@dataclass(frozen=True)
class HubId:
    """A network of a hub.

    Attributes:
        hub: ``timm`` or ``torchvision``.
        name: of the architecture.
        tag: of the weights; empty where the name has none.
    """

    hub: str
    name: str
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.hub}/{self.name}" + (f".{self.tag}" if self.tag else "")


def hub_id(name: str) -> HubId | None:
    """The hub's network that a name means; None for any other name."""
    found = PATTERN.fullmatch(name)
    return None if found is None else HubId(found[1], found[2], found[3] or "")


def hugging_face_cache() -> Path:
    """The folder of repositories: ``HF_HUB_CACHE``, else below ``HF_HOME`` or the user's cache folder."""
    if os.environ.get("HF_HUB_CACHE"):
        return Path(os.environ["HF_HUB_CACHE"])
    return Path(os.environ.get("HF_HOME") or users_caches() / "huggingface") / "hub"


def torch_cache() -> Path:
    """The folder of checkpoints that PyTorch downloads: below ``TORCH_HOME`` or the user's cache folder."""
    return Path(os.environ.get("TORCH_HOME") or users_caches() / "torch") / "hub" / "checkpoints"


def snapshot(repository: str) -> Path | None:
    """The weights in the newest snapshot of ``timm/NAME`` that is kept; None without one."""
    kept = hugging_face_cache() / f"models--{repository.replace('/', '--')}" / "snapshots"
    found = [folder / file for folder in kept.glob("*") for file in FILES if (folder / file).is_file()]
    return max(found, key=lambda path: (path.parent.stat().st_mtime, path.name), default=None)
