"""What the tests of staged folders share: processes that hold one, and what a folder shows."""

from __future__ import annotations

from pathlib import Path

from edgekit.base.files import (
    STAGING,
)
from edgekit.base.owned import MARK


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != MARK)


def stepped_aside(folder: Path) -> Path:
    """What a writer that was killed between its two renames leaves in ``folder``."""
    staging = folder / f"{STAGING}profile-0123456789ab"
    for path, word in ((staging, "new"), (staging.with_name(staging.name + "-old"), "old")):
        path.mkdir()
        (path / "word").write_text(word)
    return folder / "profile"
