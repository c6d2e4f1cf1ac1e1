"""``--weights``: a file, ``pretrained`` (the card's public checkpoint, fetched once) or ``random``."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from pathlib import Path

from ..errors import ToolError, UsageError
from ..files import sha256_file, write_atomic
from ..types import ModelCard, Weights

TIMEOUT_S = 60.0


def resolve_weights(card: ModelCard, choice: str) -> Path | None:
    """The checkpoint file that ``choice`` means, or None for random weights.

    Raises:
        UsageError: no such file, or a card without public weights.
        ToolError: the download failed or its digest is wrong.
    """
    if choice == "random":
        return None
    if choice == "pretrained":
        return fetch(card, cache_folder())
    path = Path(choice)
    if not path.is_file():
        raise UsageError(
            f"no checkpoint at {path}",
            "--weights takes an existing .pth, .pt or .safetensors file, pretrained or random",
        )
    return path


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/edgekit/weights`` or ``~/.cache/edgekit/weights``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgekit" / "weights"


def fetch(card: ModelCard, folder: Path) -> Path:
    """The card's first downloadable checkpoint, from ``folder`` or from its URL.

    Raises:
        UsageError: the card names none.
        ToolError: the source cannot be reached, or what it sends has another digest.
    """
    entry = next((w for w in card.weights if w.url), None)
    if entry is None or entry.url is None:
        raise UsageError(f"{card.id} has no public weights that can be fetched", "give --weights FILE")
    if not entry.url.startswith(("https://", "http://")):
        raise UsageError(f"card {card.id}: the weights URL {entry.url!r} is not http or https", "correct the card")
    path = folder / entry.url.rsplit("/", 1)[-1]
    if not path.is_file():
        try:
            with urllib.request.urlopen(entry.url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the scheme was checked
                content = answer.read()
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise ToolError(
                f"cannot fetch {entry.name} from {entry.url}: {reason}",
                f"download it elsewhere and give --weights {path.name}",
            ) from error
        write_atomic(path, content)
    check_digest(path, entry)
    return path


def check_digest(path: Path, entry: Weights) -> None:
    """Compare a fetched file with the card's digest (or the digits that the card knows); a wrong file is removed.

    Raises:
        ToolError: the digests differ.
    """
    digest = sha256_file(path)
    if entry.sha256 is not None and not digest.startswith(entry.sha256):
        path.unlink()
        raise ToolError(
            f"{entry.name} from {entry.url} has sha256 {digest[:16]}…, not {entry.sha256}…",
            "try again; if it stays so, the source has changed",
        )
