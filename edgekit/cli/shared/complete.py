"""What the shell offers behind a half-written word. Names are taken from file names alone: it must come at once."""

from __future__ import annotations


def model_ids(incomplete: str) -> list[str]:
    """Ids of the networks that begin so: the project's, the user's and the built-in ones."""
    from ...catalog import MODELS, stems

    return [name for name in stems(MODELS) if name.startswith(incomplete.lower())]


def profile_names(incomplete: str) -> list[str]:
    """Names of the export profiles that begin so."""
    from ...catalog import PROFILES, stems

    return [name for name in stems(PROFILES) if name.startswith(incomplete)]


def device_names(incomplete: str) -> list[str]:
    """Names of devices that begin so; behind a comma the names before it stay."""
    from ...devices.inventory import device_ids
    from ...errors import EdgekitError

    before, comma, last = incomplete.rpartition(",")
    try:
        known = device_ids()
    except EdgekitError:  # a devices.toml that cannot be read: the command itself will say so
        return []
    return [f"{before}{comma}{name}" for name in known if name.startswith(last)]
