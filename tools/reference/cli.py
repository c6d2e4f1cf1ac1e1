"""docs/reference/cli.md: every verb with its options, from Typer."""

from __future__ import annotations

from typing import Any

import typer

from edgekit.cli import app
from edgekit.cli.shared.grouped import FIRST, group_of, told_by

from .text import page, plain, table

INTRODUCTION = """Text for people goes to stderr; `--json` prints JSON on stdout. The [exit codes](exit-codes.md) are
the same for every verb. The option `--debug`, before the verb, shows the traceback of an error."""


def cli_page() -> str:
    """Every verb in the order of ``edgekit --help``."""
    root = typer.main.get_command(app)
    context: Any = root.make_context("edgekit", ["--help"], resilient_parsing=True)
    parts = [INTRODUCTION]
    for command, at in leaves(root, context):
        parts.append(verb(command, at))
    return page("Command line", *parts)


def leaves(command: Any, context: Any) -> list[tuple[Any, Any]]:
    """Every command that does something, with its context, those of a group in its place."""
    if not hasattr(command, "commands"):
        return [(command, context)]
    found: list[tuple[Any, Any]] = []
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if not inner.hidden:
            found += leaves(inner, inner.make_context(name, [], parent=context, resilient_parsing=True))
    return found


def verb(command: Any, context: Any) -> str:
    """Heading, usage, what it does, arguments and options of one command."""
    usage = command.get_usage(context).removeprefix("Usage: ")
    text = plain("\n".join(line.strip() for line in (command.help or "").splitlines()))
    said, examples = told_by(text)
    parts = [f"## {context.command_path}", f"```text\n{' '.join(usage.split())}\n```", said]
    if examples:
        parts.append("\n".join(("```sh", *examples, "```")))
    groups: dict[str, list[tuple[str, str]]] = {FIRST: []}
    for parameter in command.get_params(context):
        if shown(parameter):
            groups.setdefault(group_of(parameter), []).append(row(parameter, context))
    for title, rows in groups.items():
        if rows:
            heading = "argument or option" if title == FIRST else f"{title[:1].lower()}{title[1:]}"
            parts.append(table((heading, "meaning"), rows))
    return "\n\n".join(parts)


def shown(parameter: Any) -> bool:
    """All but --help, which every command has."""
    return parameter.name != "help" and not getattr(parameter, "hidden", False)


def row(parameter: Any, context: Any) -> tuple[str, str]:
    """How one parameter is written, and its help with default and range."""
    written, said = parameter.get_help_record(context) or (parameter.name, "")
    return f"`{written}`", plain(" ".join(said.split()))
