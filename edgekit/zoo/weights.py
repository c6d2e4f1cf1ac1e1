"""``--weights``: a file, ``pretrained`` (the card's public checkpoint, fetched once), a hub's name or ``random``."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..base.fetched.download import download
from ..base.fetched.hubs import hub_id
from ..base.files import sha256_file, write_atomic
from ..base.folders import weights_folder
from ..base.inside import inside
from ..errors import ToolError, UsageError
from ..types import ModelCard
from ..types.base import is_name
from .hub_weights import hub_weights

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".tar", ".npz", ".npy", ".pkl", ".pb", ".h5", ".keras")
LARGEST_BYTES = 1 << 30
"""More than any light network has: a wrong address must not fill the memory."""


def resolve_weights(card: ModelCard, choice: str) -> Path | None:
    """The checkpoint file that ``choice`` means, or None for random weights.

    Raises:
        UsageError: no such file, or a card without public weights.
        ToolError: the download failed or its digest is wrong.
    """
    if choice == "random":
        return None
    if choice == "pretrained":
        return fetch(card, weights_folder())
    hub = hub_id(choice)
    if hub is not None and not Path(choice).exists():
        return hub_weights(card, hub)
    path = Path(choice)
    if path.is_dir():
        found = sorted(p.name for p in path.iterdir() if p.suffix in SUFFIXES)
        raise UsageError(
            f"{path} is a folder, and --weights takes a file",
            f"name one in it: {', '.join(found[:5])}" if found else f"none in it ends in {', '.join(SUFFIXES)}",
        )
    if not path.is_file():
        raise UsageError(
            f"no checkpoint at {path}",
            "--weights takes an existing .pth, .pt or .safetensors file, pretrained or random",
        )
    return path


def fetch(card: ModelCard, folder: Path) -> Path:
    """The card's first downloadable checkpoint, from ``folder`` or from its URL.

    It is kept by content, ``<sha256>/<name>``: two addresses that end alike are two files.

    Raises:
        UsageError: the card names none.
        ToolError: the source cannot be reached, or what it sends has another digest; nothing is kept then.
    """
    entry = next((w for w in card.weights if w.url), None)
    if entry is None or entry.url is None:
        raise UsageError(f"{card.id} has no public weights that can be fetched", "give --weights FILE")
    name = file_name(entry.url)
    note = folder / "addresses" / hashlib.sha256(entry.url.encode()).hexdigest()
    wanted = entry.sha256 or noted(note)
    kept = kept_by_content(folder, wanted, name) if wanted else None
    if kept is not None:
        return kept
    hint = f"download it elsewhere and give --weights {name}"
    content = download(entry.url, LARGEST_BYTES, f"{entry.name} from", hint)
    digest = hashlib.sha256(content).hexdigest()
    if entry.sha256 is not None and not digest.startswith(entry.sha256):
        raise ToolError(
            f"{entry.name} from {entry.url} has sha256 {digest[:16]}…, not {entry.sha256}…; it is not kept",
            "try again; if it stays so, the source has changed",
        )
    path = inside(folder, digest, name, field="the last part of the weights' URL")
    write_atomic(path, content)
    write_atomic(note, digest)
    return path


def file_name(url: str) -> str:
    """What to call the file of an address: its last part where that is a name; the suffix tells how it is read."""
    last = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    return last if is_name(last) else "weights" + (".safetensors" if last.endswith(".safetensors") else ".pth")


def noted(note: Path) -> str | None:
    """The digest of what an address gave before; of use for cards that tell none."""
    text = note.read_text(errors="replace") if note.is_file() else ""
    return text if re.fullmatch(r"[0-9a-f]{64}", text) else None


def kept_by_content(folder: Path, digits: str, name: str) -> Path | None:
    """The kept file of a digest, of which the first digits are enough; a damaged one is none."""
    for found in sorted(folder.glob(f"{digits}*")):
        path = inside(folder, found.name, name, field="the last part of the weights' URL")
        if path.is_file() and sha256_file(path) == found.name:
            return path
    return None
