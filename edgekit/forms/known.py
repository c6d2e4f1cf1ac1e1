"""Tables of defaults: which form of a network is known to be the best on a target class, and what that rests on.

``export_profiles/defaults/<target>.toml``, looked up as export profiles are: the project's, the user's, the built-in
one; the first that knows the network wins, a card's id before its family. Tuning writes to the user's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.files import write_atomic
from ..catalog import PROFILES, folders, load_toml, user_folder
from ..errors import UsageError
from ..types import ExportProfile, FormTable, KnownForm, ModelCard, TargetClass
from .catalogue import worth_trying
from .offered import all_in_int8

DEFAULTS = "defaults"
HEAD = "# Forms that `edgekit tune` found to be the fastest on machines of this class; see edgekit tune --help.\n"


@dataclass(frozen=True)
class Found:
    """A line of a table.

    Attributes:
        measured_on: the target class where it was measured, if at all; another than the one asked for when the line
            was taken over from there.
    """

    known: KnownForm
    measured_on: TargetClass | None
    path: Path


def find_form(card: ModelCard, profile: ExportProfile, target: TargetClass) -> Found | None:
    """What the tables know of a network, format and precision on ``target``, or else on the target it takes over from.

    What was taken over holds for the form alone: whether int8 pays is another matter on another CPU, and so is which
    layers do. A form made for kernels that the target has not is not taken over.

    Raises:
        UsageError: a table cannot be read, has an unknown key or a wrong value.
    """
    tables = list(read_tables(target))
    for path, table in tables:
        known = line_of(table, card, profile)
        if known is not None:
            return Found(known, target if known.measured else None, path)
    for other in dict.fromkeys(table.otherwise for _, table in tables if table.otherwise is not None):
        for path, table in read_tables(other):
            known = line_of(table, card, profile)
            over = None if known is None else taken_over(known, profile, other, target)
            if over is not None:
                return Found(over, other if over.measured else None, path)
    return None


def taken_over(known: KnownForm, profile: ExportProfile, other: TargetClass, target: TargetClass) -> KnownForm | None:
    """The meaning of a line of ``other`` for ``target``; None if it has none. Layers in float are left out, since it
    depends on the CPU in which layers int8 kernels are slow.
    """
    form = all_in_int8(known.form, profile.format, profile.precision, other)
    over = known.model_copy(update={"takes": None, "int8_vs_float": None, "form": form, "keep_float": ()})
    if form != known.form or known.keep_float:
        if form == "default":
            return None
        note = f"on {other} with layers in float, as {known.form}"
        over = over.model_copy(update={"measured": False, "evidence": None, "counted": None, "note": note})
    if over.rewrites is not None or worth_trying(form, profile.format, profile.precision, target):
        return over
    return None


def read_tables(target: TargetClass) -> Iterator[tuple[Path, FormTable]]:
    """The tables of a target, most specific first.

    Raises:
        UsageError: one is invalid, or describes another target than its name says.
    """
    for folder in folders(PROFILES):
        path = folder / DEFAULTS / f"{target}.toml"
        if os.path.lexists(path):
            table = load_toml(path, FormTable)
            if table.target != target:
                raise UsageError(f"{path} has target {table.target!r}", "make the target and the file name the same")
            yield path, table


def line_of(table: FormTable, card: ModelCard, profile: ExportProfile) -> KnownForm | None:
    """The line for a card, by its id or else by its family; CPUs compute float16 in float32, so its lines do too."""
    precisions = ("fp16", "fp32") if profile.precision == "fp16" else (profile.precision,)
    for precision in precisions:
        for network in (card.id, card.family):
            for known in table.known:
                if key(known) == (network, profile.format, precision):
                    return known
    return None


def user_table(target: TargetClass) -> Path:
    """The file that tuning writes to."""
    return user_folder() / PROFILES / DEFAULTS / f"{target}.toml"


def remember(known: KnownForm, target: TargetClass) -> Path:
    """Put a line into the user's table, in the place of an older one of the same network; the file.

    Raises:
        UsageError: the table that is there is invalid.
        ToolError: it cannot be written.
    """
    path = user_table(target)
    old = load_toml(path, FormTable).known if os.path.lexists(path) else ()
    kept = [line for line in old if key(line) != key(known)]
    table = FormTable(target=target, known=tuple(sorted([*kept, known], key=key)))
    write_atomic(path, HEAD + render(table))
    return path


def key(known: KnownForm) -> tuple[str, str, str]:
    """The subject of a line."""
    return known.network, known.format, known.precision


def render(table: FormTable) -> str:
    """A table as TOML."""
    lines = [f"target = {json.dumps(table.target)}"]
    if table.otherwise is not None:
        lines.append(f"otherwise = {json.dumps(table.otherwise)}")
    for known in table.known:
        plain = known.model_dump(mode="json", exclude_defaults=True)
        nested = {name: plain.pop(name) for name in ("evidence", "int8_vs_float", "counted") if name in plain}
        lines += ["", "[[known]]", *pairs(plain)]
        for name, value in nested.items():
            lines += [f"[known.{name}]", *pairs(value)]
    return "\n".join(lines) + "\n"


def pairs(values: dict[str, Any]) -> list[str]:
    """The ``key = value`` lines of a table.

    JSON serves as TOML here: both write a string, a number, a truth value and a list of strings alike.
    """
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items() if value is not None]
