"""Read small files of the system. Every reader answers None when there is nothing to read; never zero."""

from __future__ import annotations

import glob
import os
import re
from typing import Any, Callable, Dict, Optional


def read_text(path: str) -> Optional[str]:
    """A small text file without its NULs and outer blanks, or None."""
    try:
        with open(path, errors="replace") as stream:
            return stream.read().replace("\0", "").strip() or None
    except OSError:
        return None


def read_int(path: str) -> Optional[int]:
    """An integer file, or None."""
    return whole(read_text(path) or "")


def whole(text: str) -> Optional[int]:
    """A text as an integer of at most 18 digits, or None: no counter has more, and Python refuses thousands."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None


def known(values: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The entries that were read, or None when there are none."""
    kept = {key: value for key, value in values.items() if value is not None}
    return kept or None


def per_cpu(name: str, reader: Callable[[str], Any]) -> Optional[Dict[str, Any]]:
    """One cpufreq file of every CPU, by CPU name."""
    folders = glob.glob("/sys/devices/system/cpu/cpu[0-9]*/cpufreq")
    return known({os.path.basename(os.path.dirname(f)): reader(os.path.join(f, name)) for f in sorted(folders)})
