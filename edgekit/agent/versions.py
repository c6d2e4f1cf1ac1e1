"""Which versions of numpy and of the runtimes are installed."""

from __future__ import annotations

import importlib
from typing import Dict, Optional

from .providers import PROVIDERS

VERSIONED = ("numpy", "onnxruntime", *sorted(one["package"] for one in PROVIDERS.values()), "ai-edge-litert",
             "tflite-runtime", "openvino")  # fmt: skip


def versions() -> Dict[str, str]:
    """Versions of numpy and of the runtimes that are installed."""
    found = {}
    for name in VERSIONED:
        version = installed_version(name)
        if version is not None:
            found[name] = version
    return found


def installed_version(name: str) -> Optional[str]:
    """Version of a distribution, or None when it is not installed."""
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
