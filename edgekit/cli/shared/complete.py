"""What the shell offers for a half-written word. Names come from file names alone, since the answer must be instant."""

from __future__ import annotations


def model_ids(incomplete: str) -> list[str]:
    """Ids of the networks that begin like that: the project's, the user's and the built-in ones."""
    from ...catalog import MODELS, stems

    return [name for name in stems(MODELS) if name.startswith(incomplete.lower())]


def profile_names(incomplete: str) -> list[str]:
    """Names of the export profiles that begin so."""
    from ...catalog import PROFILES, stems

    return [name for name in stems(PROFILES) if name.startswith(incomplete)]


def device_names(incomplete: str) -> list[str]:
    """Names of devices that begin like that; names before a comma stay as they are."""
    from ...devices.inventory import device_ids
    from ...errors import EdgekitError

    before, comma, last = incomplete.rpartition(",")
    try:
        known = device_ids()
    except EdgekitError:  # a devices.toml that cannot be read: the command itself will say so
        return []
    return [f"{before}{comma}{name}" for name in known if name.startswith(last)]
