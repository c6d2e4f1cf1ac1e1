"""Which versions of numpy and of the runtimes are installed."""

from __future__ import annotations

import importlib
import os
import re
import sys
from typing import Dict, Iterator, List, Optional, Tuple

from .providers import PROVIDERS

VERSIONED = ("numpy", "onnxruntime", *sorted(one["package"] for one in PROVIDERS.values()), "ai-edge-litert",
             "tflite-runtime", "openvino")  # fmt: skip
WHEEL, OTHERS = ".dist-info", (".egg-info", ".egg")
"""How the folders end in which installers describe what they have installed; the version stands in the first's name."""

Described = List[Tuple[str, str]]
"""Where packages are described: folders on the path, and their entries of such names."""


def versions() -> Dict[str, str]:
    """Versions of numpy and of the runtimes that are installed."""
    found, entries = {}, list(described())
    for name in VERSIONED:
        version = installed_version(name, entries)
        if version is not None:
            found[name] = version
    return found


def installed_version(name: str, entries: Optional[Described] = None) -> Optional[str]:
    """Version of a distribution, or None when it is not installed.

    A folder's name is enough where pip has installed it: importing what reads all of its metadata takes longer than
    importing numpy on a small board.

    Args:
        name: as a package index has it.
        entries: what :func:`described` gave; it is called when None.
    """
    for folder, entry in entries if entries is not None else described():
        stem, end = os.path.splitext(entry)
        package, _, version = stem.partition("-")
        if re.sub("[-_.]+", "-", package).lower() != name:
            continue
        if end == WHEEL and version and os.path.isfile(os.path.join(folder, entry, "METADATA")):
            return version
        return version_in_metadata(name)
    return None


def described() -> Iterator[Tuple[str, str]]:
    """A folder on the path and an entry that describes a package, for each, in the order in which Python looks."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:  # an archive, or nothing
            continue
        for name in names:
            if name.endswith((WHEEL, *OTHERS)):
                yield folder, name


def version_in_metadata(name: str) -> Optional[str]:
    """As the metadata have it, whatever their form."""
    try:
        from importlib import metadata
    except ImportError:  # Python 3.7
        pkg_resources = importlib.import_module("pkg_resources")
        found = pkg_resources.working_set.by_key.get(name)
        return None if found is None else str(found.version)
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
