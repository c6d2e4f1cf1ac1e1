"""Every number that an option takes has both ends: beyond them it is refused before anything begins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from edgekit.cli import app
from edgekit.cli.shared import limits
from edgekit.types.models import MOST_CLASSES

RUNNER = CliRunner()


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb below a group, with the words that lead to it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def numbers() -> list[tuple[str, str, Any]]:
    """Verb, option and the parameter, of every option that takes a number."""
    found = []
    for path, command in commands(typer.main.get_command(app)):
        for parameter in command.params:
            kind = str(getattr(getattr(parameter, "type_descriptor", None), "annotation", ""))
            if kind in ("<class 'int'>", "<class 'float'>"):
                found.append((" ".join(path), parameter.opts[0], parameter))
    return found


def test_the_numbers_are_found() -> None:
    found = {(verb, option) for verb, option, _ in numbers()}
    assert {("export", "--num-classes"), ("profile", "--rounds"), ("pick", "--exponent")} <= found


@pytest.mark.parametrize(("verb", "option", "parameter"), numbers())
def test_a_number_beyond_its_ends_is_refused(verb: str, option: str, parameter: Any) -> None:
    least, most = parameter.min, parameter.max
    assert least is not None
    assert most is not None
    assert math.isfinite(least)
    assert math.isfinite(most)
    for value in (str(least - 1), str(most + 1), "nan"):
        done = RUNNER.invoke(app, [*verb.split(), f"{option}={value}"])
        assert done.exit_code == 2, (value, done.output)
        assert f"Invalid value for '{option}'" in done.output, (value, done.output)


def test_one_limit_of_classes() -> None:
    assert limits.MOST_CLASSES == MOST_CLASSES
