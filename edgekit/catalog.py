"""Model cards and export profiles: TOML files to types.

Look-up order: an explicit path, the project folder (``./models``), the user folder (``~/.config/edgekit/models``),
the built-in cards, those of plug-ins; the same for ``export_profiles``. The first that has the name wins.
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from .base import plugins
from .base.absent import is_absent_file, no_file
from .base.fetched.hubs import hub_id
from .base.folders import base_directory, home
from .base.untrusted import read_text
from .errors import UsageError, did_you_mean, shown
from .types import ExportProfile, Format, ModelCard, Precision

T = TypeVar("T", bound=BaseModel)
LARGEST_TOML = 4_000_000
"""Bytes: the parser takes the square of some lines' lengths."""
DEEPEST = 30
"""Levels of nesting, and parts of a key."""
WORD = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-]){WORD}(?:[ \t]*+\.[ \t]*+{WORD}){{{DEEPEST},}}")
Kind = Literal["models", "export_profiles"]
MODELS: Kind = "models"
PROFILES: Kind = "export_profiles"


def builtin_folder(kind: Kind) -> Path:
    """The folder of built-in TOML files: inside the wheel, or the repository's own in an editable install."""
    installed = Path(str(files("edgekit"))) / "_data" / kind
    return installed if installed.is_dir() else Path(__file__).resolve().parent.parent / kind


def user_folder() -> Path:
    """``$XDG_CONFIG_HOME/edgekit`` or ``~/.config/edgekit``."""
    return (base_directory("XDG_CONFIG_HOME") or home() / ".config") / "edgekit"


def folders(kind: Kind) -> list[Path]:
    """Existing folders of ``kind``, most specific first.

    Raises:
        ToolError: a plug-in names no folder.
    """
    searched = (Path(kind), user_folder() / kind, builtin_folder(kind), *plugins.folders_of(kind))
    return [f for f in searched if f.is_dir()]


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, before any type has checked them.

    Raises:
        UsageError: unreadable, or not TOML.
    """
    text = read_text(path, "check the path", LARGEST_TOML, "valid TOML")
    deep = UsageError(f"{path} is not valid TOML: it is nested too deeply", "correct it")
    if LONG_KEY.search(text):  # tomllib takes the square of a key's length
        raise deep
    try:
        tables = tomllib.loads(text)
    except RecursionError as error:
        raise deep from error
    except ValueError as error:  # a number of thousands of digits, too
        raise UsageError(f"{path} is not valid TOML: {error}", "correct that line") from error
    if not shallow(tables):
        raise deep
    return tables


def shallow(value: Any) -> bool:
    """True for a value that is nested as far as any file of edgekit's, and not much further."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return not level


def load_toml(path: Path, type_: type[T]) -> T:
    """Read one TOML file as ``type_``.

    Raises:
        UsageError: unreadable, not TOML, an unknown key (with the nearest known one) or a wrong value.
    """
    data = read_toml(path)
    unknown = sorted(key for key in data if key in derived_keys(type_))
    if unknown:
        raise UsageError(f"{path}: unknown key {unknown[0]!r}", did_you_mean(unknown[0], keys_at(type_, (unknown[0],))))
    try:
        # Through JSON: strict mode takes a JSON array for a tuple, but not a Python list.
        return type_.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise explain(path, type_, error) from error


def explain(path: Path, type_: type[BaseModel], error: ValidationError) -> UsageError:
    """The first problem of a validation error, in words; an unknown key first: misspelled, it is missing as well."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return UsageError(
            f"{path}: unknown key {where!r}", did_you_mean(str(first["loc"][-1]), keys_at(type_, first["loc"]))
        )
    if first["type"] == "missing":
        return UsageError(f"{path}: the key {where!r} is missing", "add it")
    value = "" if isinstance(first["input"], dict) else f" (value: {shown(first['input'])})"
    message = first["msg"].removeprefix("Value error, ")
    return UsageError(f"{path}: {where + ': ' if where else ''}{message}{value}", "correct it")


def keys_at(type_: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Known keys of the table that holds the last part of ``location``."""
    current = type_
    for part in location[:-1]:
        field = current.model_fields.get(str(part))
        inner = nested_model(field.annotation) if field else None
        current = inner or current
    return [name for name in current.model_fields if name not in derived_keys(current)]


def derived_keys(type_: type[BaseModel]) -> tuple[str, ...]:
    """Fields that edgekit fills in and that no file has."""
    return type_.DERIVED if issubclass(type_, ExportProfile) else ()


def nested_model(annotation: Any) -> type[BaseModel] | None:
    """The pydantic model inside an annotation such as ``Model | None`` or ``tuple[Model, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = nested_model(argument)
        if found is not None:
            return found
    return None


@cache
def load_all(type_: type[T], search: tuple[Path, ...]) -> dict[str, T]:
    """Every TOML of ``search`` by its file stem; earlier folders win."""
    found: dict[str, T] = {}
    for folder in search:
        for path in sorted(folder.glob("*.toml")):
            if path.stem not in found:
                found[path.stem] = load_toml(path, type_)
    return found


def stems(kind: Kind) -> list[str]:
    """The names of the TOML files of ``kind``, without reading them."""
    return sorted({path.stem for folder in folders(kind) for path in folder.glob("*.toml")})


def cards() -> dict[str, ModelCard]:
    """Every model card by id.

    Raises:
        UsageError: a card is invalid, its id differs from its file name, or two cards claim one alias.
    """
    loaded = load_all(ModelCard, tuple(f.resolve() for f in folders(MODELS)))
    claimed: dict[str, str] = {}
    for stem, card in loaded.items():
        if card.id != stem:
            raise UsageError(f"card {stem}.toml has id {card.id!r}", "make the id and the file name the same")
        for alias in card.aliases:
            owner = alias if alias in loaded else claimed.setdefault(alias, stem)
            if owner != stem:
                raise UsageError(f"the alias {alias!r} of card {stem} is taken by {owner}", "drop it from one of them")
    return loaded


def find_card(name: str) -> ModelCard:
    """The card of an id, an alias (``mobilenet_v3``, ``mobilenet_v3_large``), a hub's name or a path to a TOML file.

    Raises:
        UsageError: unknown name, with the nearest known ones, or that of a file that is not there.
    """
    if name.endswith(".toml"):
        return load_toml(Path(name), ModelCard)
    known = cards()
    hub = hub_id(name)
    lower = (hub.name if hub else name).lower()
    if lower in known:
        return known[lower]
    aliases = {alias: card for card in known.values() for alias in card.aliases}
    if lower in aliases:
        return aliases[lower]
    if is_absent_file(name):
        raise no_file(name)
    raise UsageError(f"unknown model {name!r}", f"{did_you_mean(name, {*known, *aliases})} (see edgekit models list)")


def default_cards() -> list[ModelCard]:
    """The default variant of every family: the one that the family's name alone means."""
    return [find_card(family) for family in sorted({card.family for card in cards().values()})]


def profiles() -> dict[str, ExportProfile]:
    """Every export profile by name.

    Raises:
        UsageError: a profile is invalid, its name differs from its file name, or it takes the name of a built-in one of
            another format or precision.
    """
    search = tuple(f.resolve() for f in folders(PROFILES))
    loaded = load_all(ExportProfile, search)
    for stem, profile in loaded.items():
        if profile.name != stem:
            raise UsageError(f"profile {stem}.toml has name {profile.name!r}", "make both the same")
        check_name(profile, search)
    return loaded


@cache
def builtin_profiles() -> dict[str, ExportProfile]:
    """Those that edgekit brings."""
    return load_all(ExportProfile, (builtin_folder(PROFILES).resolve(),))


def builtin_profile(format_: Format, precision: Precision) -> ExportProfile:
    """The one that edgekit brings for a format at a precision, whatever a project has under its name."""
    return builtin_profiles()[f"{format_}-{precision}"]


def check_name(profile: ExportProfile, search: tuple[Path, ...]) -> None:
    """Refuse a profile that has the name of a built-in one and makes something else: it would go into that one's place.

    Args:
        profile: whose name is to be checked.
        search: the file that it is from, or the folders in which it was found by its name.

    Raises:
        UsageError: it is such a profile.
    """
    builtin = builtin_profiles().get(profile.name)
    makes = f"{profile.format} {profile.precision}"
    if builtin is None or makes == f"{builtin.format} {builtin.precision}":
        return
    file = f"{profile.name}.toml"
    path = next(p for p in (p if p.is_file() else p / file for p in search) if p.is_file())
    raise UsageError(
        f"{path} makes {makes} under the name {profile.name!r}, which is that of "
        f"{builtin_folder(PROFILES).resolve() / file}, {builtin.format} {builtin.precision}",
        f'give it a name of its own, for example name = "my-{profile.format}-{profile.precision}", and the file too',
    )


def find_profile(name: str) -> ExportProfile:
    """The profile of a name or a path to a TOML file.

    Raises:
        UsageError: unknown name, with the nearest known ones; or see :func:`profiles`.
    """
    if name.endswith(".toml"):
        profile = load_toml(Path(name), ExportProfile)
        check_name(profile, (Path(name),))
        return profile
    known = profiles()
    if name not in known:
        raise UsageError(f"unknown export profile {name!r}", did_you_mean(name, known))
    return known[name]


def profile_for(format_: Format, precision: Precision) -> ExportProfile:
    """The default profile of a format at a precision: the one named ``<format>-<precision>``."""
    return find_profile(f"{format_}-{precision}")
