"""Versions of the stored form of a measurement, and how an older one becomes the current one.

1: as first written. A missing value of a newer field is the field's default.
2: ``digest`` over the content, so that a changed file is noticed; ``revision``; values out of range are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import UsageError

CURRENT = 2
Plain = dict[str, Any]
"""Stored JSON before it is checked: only the current version has a type."""


def from_1(data: Plain) -> Plain:
    """Version 1 had no digest: what it says cannot be proven unchanged, and is taken as it stands."""
    return {**data, "schema_version": 2}


STEPS: dict[int, Callable[[Plain], Plain]] = {1: from_1}
"""From each older version to the next."""


def version_of(data: Plain) -> int:
    """The version that stored data claims.

    Raises:
        UsageError: it is no positive integer, or newer than this edgekit knows.
    """
    version = data.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UsageError(f"schema_version: a version from 1 to {CURRENT} is expected, found {version!r}")
    if version > CURRENT:
        raise UsageError(
            f"schema_version: written by a newer edgekit, version {version} where this one knows up to {CURRENT}",
            "update edgekit: install a newer one from where this one came (edgekit doctor shows the version)",
        )
    return version


def upgrade(data: Plain) -> Plain:
    """``data`` in the current version; the original is left as it was.

    Raises:
        UsageError: of no known version.
    """
    for version in range(version_of(data), CURRENT):
        data = STEPS[version](data)
    return data
