"""Advice that a person can follow: an option that it names is one that the verb has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from edgekit.cli import app

OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
COMMAND = re.compile(r"\bedgekit ([a-z-]+(?: [a-z-]+)?)")
OTHERS = re.compile(r"\b(adb|apt-get|chmod|docker|git|mkdir|mv|np|pip|python3?|ssh(-\w+)?|sudo|uv) ")
"""Other programs, whose options are theirs."""
EVERYWHERE = {"--debug", "--help", "-h"}


def options_of(words: Sequence[str]) -> set[str]:
    """The options of the verb that a command line begins with."""
    group: Any = typer.main.get_command(app)
    for word in words:
        group = getattr(group, "commands", {}).get(word) or group
    return {name for parameter in group.params for name in (*parameter.opts, *parameter.secondary_opts)}


def wrong_advice(arguments: Sequence[str], said: str) -> Iterator[str]:
    """Options in the lines ``try: ...`` of a run that neither the verb has, nor a command that the line names."""
    for line in said.splitlines():
        _, found, advice = line.partition("  try: ")
        if not found or OTHERS.search(advice):
            continue
        known = EVERYWHERE | options_of(arguments)
        for named in COMMAND.finditer(advice):
            known |= options_of(named[1].split())
        yield from (f"{option}: {advice}" for option in OPTION.findall(advice) if option not in known)
