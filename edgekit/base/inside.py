"""Paths that are made from data: proven to lie inside the folder that they are for, in this one place."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError, shown


def inside(folder: Path, *parts: str, field: str) -> Path:
    """``folder/part/…``, after proving that it lies inside ``folder``, symbolic links followed.

    ``folder`` itself is the user's choice and may be a link; what ``parts`` lead to may not leave it.

    Args:
        folder: from the command line, or a place of edgekit's own.
        parts: from data: names in a card, a profile, a manifest, a report, a pin or an answer.
        field: where the parts come from, for the error: ``files[].name``.

    Raises:
        UsageError: a part is no single name, or a link on the way leads out.
    """
    value = "/".join(parts)
    for part in parts:
        if part in ("", ".", "..") or any(c in part for c in "/\\\0"):
            raise UsageError(
                f"{field} is {shown(value)}, which does not name something in {folder}",
                "a name has no separators and is not '.' or '..'; correct it, or take the file from a source you trust",
            )
    path = folder.joinpath(*parts)
    try:
        real, root = path.resolve(), folder.resolve()
    except (OSError, RuntimeError) as error:  # links in a circle
        raise UsageError(f"{field} is {shown(value)}: cannot follow {path}: {error}", "remove the link") from error
    if not real.is_relative_to(root):
        raise UsageError(
            f"{field} is {shown(value)}: {path} is a link that leads out of {folder}, to {real}",
            "put the files there in the link's place, or name that folder itself on the command line",
        )
    return path
