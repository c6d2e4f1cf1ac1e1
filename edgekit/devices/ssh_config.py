"""Host aliases of the user's SSH configuration.

Only the names are read; OpenSSH interprets the file itself when it connects.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from ..base.folders import expanded, home
from ..types.base import is_name

SETTING = "EDGEKIT_SSH_CONFIG"
"""Environment variable: another file than the user's own, as ``ssh -F`` takes it."""
DEEPEST = 16
"""Levels of Include, as in OpenSSH."""


def chosen_config() -> Path | None:
    """The file that :data:`SETTING` names, or None for OpenSSH's own choice."""
    setting = os.environ.get(SETTING)
    return Path(setting) if setting else None


def host_aliases() -> list[str]:
    """Names that a Host line spells out, in order; those with wildcards, or that name no folder, are no devices."""
    own, system = home() / ".ssh", Path("/etc/ssh")
    chosen = chosen_config()
    start = [(chosen, own)] if chosen else [(own / "config", own), (system / "ssh_config", system)]
    found = [alias for path, base in start for alias in aliases_in(path, base, DEEPEST)]
    return [alias for alias in dict.fromkeys(found) if is_name(alias)]


def aliases_in(path: Path, base: Path, depth: int) -> Iterator[str]:
    """The aliases of one file and of those that it includes; a file that cannot be read has none.

    Relative names of included files start from ``base``, wherever the including file is.
    """
    if not path.is_file():  # a pipe would keep us waiting
        return
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # OpenSSH passes over it as well, or says what is wrong when it connects
    for line in text.splitlines():
        keyword, words = split(line)
        if keyword == "host":
            yield from words
        elif keyword == "include" and depth > 0:
            for pattern in words:
                for included in matching(pattern, base):
                    yield from aliases_in(included, base, depth - 1)


def split(line: str) -> tuple[str, list[str]]:
    """Keyword in lower case and arguments of a line; both forms, ``Host a b`` and ``Host=a``."""
    try:
        words = shlex.split(line.replace("=", " ", 1), comments=True)
    except ValueError:
        return "", []
    return (words[0].lower(), words[1:]) if words else ("", [])


def matching(pattern: str, base: Path) -> list[Path]:
    """Files of an Include pattern."""
    path = expanded(pattern)
    if path.is_absolute():
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return sorted(base.glob(str(path)))
