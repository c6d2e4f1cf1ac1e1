"""The name under which pip knows edgekit, and the commands that install more of it.

The name ``edgekit`` on PyPI belongs to another project. So edgekit is never asked of an index by that name: a hint
says where this copy came from, a clone, a wheel file or a Git URL, which pip notes when it installs (PEP 610).
"""

from __future__ import annotations

import json
import tomllib
from importlib import metadata
from pathlib import Path

NAME = "edgekit-toolkit"
"""Of the distribution; the package that is imported, and the command, are ``edgekit``."""
PACKAGE = Path(__file__).resolve().parent.parent


def clone() -> Path | None:
    """The folder of the repository that this code runs from; None for an installed copy."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() else None


def constraints() -> Path:
    """The file of exact versions that were tested together: in the wheel, or in the clone."""
    root = clone()
    return root / "constraints.txt" if root else PACKAGE / "_data" / "constraints.txt"


def requirements() -> tuple[str, ...]:
    """The requirements of edgekit, one per line, with ``; extra == "NAME"`` for those of an extra."""
    root = clone()
    if root is None:
        return tuple(metadata.requires(NAME) or ())
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return (*project["dependencies"], *(f'{line}; extra == "{name}"' for name in extras for line in extras[name]))


def install_command(extra: str) -> str:
    """The command that installs an extra (several by commas) in the versions that were tested together."""
    root = clone()
    if root == Path.cwd():
        return f"pip install -c constraints.txt -e '.[{extra}]'"
    if root:
        return f"pip install -c {quoted(constraints())} -e {quoted(root, f'[{extra}]')}"
    wanted = f"{NAME}[{extra}]"
    source = origin()
    return f"pip install -c {quoted(constraints())} '{wanted}{f' @ {source}' if source else ''}'"


def quoted(path: Path, more: str = "") -> str:
    """A path for a shell, in quotes where it needs them."""
    text = f"{path}{more}"
    return f"'{text}'" if set(text) & set(" []()&;'") else text


def origin() -> str:
    """The URL that pip installed this copy from, as a requirement names it; empty when it came from an index."""
    try:
        noted = json.loads(metadata.distribution(NAME).read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return ""
    url, source = noted.get("url", ""), noted.get("vcs_info")
    return f"{source['vcs']}+{url}@{source['commit_id']}" if source else url
