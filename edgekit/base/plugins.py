"""What other installed packages add, by entry points: found by their names, imported only when one is asked for.

::

    [project.entry-points."edgekit.families"]
    my_net = "my_package.my_net:my_net"

An entry point is code of a package that the user installed; edgekit's own names cannot be taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from functools import cache
from importlib import metadata, util
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal

from ..errors import ToolError, UsageError
from .files import sha256_file

Group = Literal["families", "passes", "models", "export_profiles", "transports"]
PREFIX = "edgekit."


@cache
def offered(group: Group) -> dict[str, EntryPoint]:
    """The entry points of a group by their names, without importing any.

    Raises:
        UsageError: two packages offer one name.
    """
    found: dict[str, EntryPoint] = {}
    for point in metadata.entry_points(group=PREFIX + group):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise UsageError(
                f"{package_of(other)} and {package_of(point)} both offer {PREFIX}{group} {point.name!r}",
                "uninstall one of them",
            )
    return found


def package_of(point: EntryPoint) -> str:
    """The package that offers it, with its version."""
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def names_of(group: Group, own: Collection[str]) -> list[str]:
    """Names that plug-ins add to edgekit's ``own``.

    Raises:
        UsageError: one of them is edgekit's.
    """
    for name, point in offered(group).items():
        if name in own:
            raise UsageError(
                f"{package_of(point)} offers {PREFIX}{group} {name!r}, and edgekit has one of that name",
                f"give it another name in {point.dist.name if point.dist else 'the package'}, or uninstall it",
            )
    return list(offered(group))


def load(group: Group, name: str) -> Any:
    """What an entry point names; it must be callable.

    Raises:
        ToolError: it cannot be imported, or is not callable.
    """
    point = offered(group)[name]
    try:
        found = point.load()
    except Exception as error:
        raise ToolError(
            f"the plug-in {name!r} of {package_of(point)} cannot be imported: {type(error).__name__}: {error}",
            f"mend or uninstall it; its entry point is {point.value}",
        ) from error
    if not callable(found):
        raise ToolError(
            f"the plug-in {name!r} of {package_of(point)} is no function: {point.value} is {type(found).__name__}",
            "name a function in the entry point",
        )
    return found


def folders_of(group: Group) -> list[Path]:
    """Folders of TOML files that packages bring: each entry point names a package that holds them.

    Raises:
        ToolError: there is no such package.
    """
    found = []
    for name, point in sorted(offered(group).items()):
        try:
            spec = util.find_spec(point.value)
        except (ImportError, ValueError) as error:
            raise ToolError(f"the plug-in {name!r} of {package_of(point)} names {point.value}: {error}",
                            "mend or uninstall it") from error  # fmt: skip
        if spec is None or not spec.submodule_search_locations:
            raise ToolError(f"the plug-in {name!r} of {package_of(point)} names {point.value}, which is no package",
                            "mend or uninstall it")  # fmt: skip
        found += [Path(place) for place in spec.submodule_search_locations]
    return found


def versions(group: Group, names: Iterable[str]) -> dict[str, str]:
    """Of those names that plug-ins offer: package, version, and digest of the code that the entry point names."""
    found = {}
    for name in names:
        point = offered(group).get(name)
        if point is not None:
            spec = util.find_spec(point.module)
            file = None if spec is None or spec.origin is None else Path(spec.origin)
            digest = sha256_file(file) if file is not None and file.is_file() else hashlib.sha256().hexdigest()
            found[name] = f"{package_of(point)}, {digest[:12]}"
    return found
