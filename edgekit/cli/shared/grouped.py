"""The help of a command: its options in groups, and each example on a line of its own."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

from .other_words import ours

FIRST = "Options"
"""The group of the options that name none."""


def group_of(parameter: Any) -> str:
    """The group that a parameter is shown in."""
    return getattr(parameter, "rich_help_panel", None) or FIRST


def told_by(text: str) -> tuple[str, list[str]]:
    """What a docstring says of its command, and its examples: those after ``Example:``, and after ``Examples:`` each
    up to a semicolon.
    """
    said, *examples = re.split(r"Examples?: ", text)
    return said.strip(), [line for one in examples for line in " ".join(one.split()).split("; ")]


class GroupedCommand(TyperCommand):
    """A command whose help shows options under the headings that they name as ``rich_help_panel``.

    Typer groups them only with rich, whose import would double the time of ``--help``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does it; the error of an unknown option names ours where it is another tool's word."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if hasattr(error, "possibilities"):  # Typer carries a Click of its own, whose errors have no public name
                known = frozenset(name for one in self.get_params(ctx) for name in one.opts)
                error.possibilities = ours(getattr(error, "option_name", ""), known) or error.possibilities
            raise

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the text, then the examples."""
        text, examples = told_by(self.help or "")
        lines = "\n".join(f"  {one}" for one in examples)
        before, self.help = self.help, f"{text}\n\n\b\nExamples:\n{lines}" if examples else text
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = before

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then each group of options in the order in which the groups first appear."""
        arguments: list[tuple[str, str]] = []
        groups: dict[str, list[tuple[str, str]]] = {FIRST: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                arguments.append(record)
            else:
                groups.setdefault(group_of(parameter), []).append(record)
        for title, records in {"Arguments": arguments, **groups}.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
