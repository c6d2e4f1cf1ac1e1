"""The commands that the pages show, and how to parse one without running it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from edgekit.cli import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
INLINE = re.compile(r"`(edgekit [^`]+)`")
ENDS = ("--help", "-h", "--version", "--install-completion", "--show-completion")
"""Options that do their work while the line is parsed, and end the program."""
UsageFault: type[Exception] = typer.BadParameter.__mro__[1]
"""What Typer raises for a word that it does not know."""


@dataclass(frozen=True)
class Command:
    """One documented command.

    Attributes:
        place: page and line, for messages.
        words: without the program's name.
        whole: it stands in a block and can be typed as it is; False for a mention in a sentence.
    """

    place: str
    words: tuple[str, ...]
    whole: bool = True

    def __str__(self) -> str:
        return f"{self.place} edgekit {' '.join(self.words)}"


def documented(path: Path) -> list[Command]:
    """Every ``edgekit`` command of a page: in its sh and console blocks, and in its sentences."""
    text = path.read_text(encoding="utf-8")
    found: list[Command] = []
    for block in FENCE.finditer(text):
        first = text.count("\n", 0, block.start()) + 2
        lines = block["text"].replace("\\\n", "  ").splitlines()
        for number, line in enumerate(lines, first):
            typed = line.strip()
            if block["language"] == "console":
                if not typed.startswith("$ "):
                    continue
                typed = typed.removeprefix("$ ")
            elif block["language"] != "sh":
                continue
            if typed.startswith("edgekit "):
                words = shlex.split(typed, comments=True)
                found.append(Command(f"{path.relative_to(ROOT)}:{number}", tuple(words[1:])))
    for mention in INLINE.finditer(FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)):
        words = mention[1].split()[1:]
        if words[0].islower() or words[0].startswith("-"):
            found.append(Command(str(path.relative_to(ROOT)), tuple(words), whole=False))
    return found


def parse(words: tuple[str, ...]) -> tuple[str, ...]:
    """The verb of a command line, parsed but not run.

    Raises:
        UsageFault: it has a verb or option that does not exist, or lacks an argument.
    """
    command: Any = typer.main.get_command(app)
    rest, context = list(words), None
    path: list[str] = []
    ends = any(word in ENDS for word in rest)
    rest = [word for word in rest if word not in ENDS]
    while True:
        resilient = ends and not (rest and hasattr(command, "commands"))
        context = command.make_context(command.name, rest, parent=context, resilient_parsing=resilient)
        if resilient or not hasattr(command, "commands"):
            return tuple(path)
        name, command, rest = command.resolve_command(
            context, [*getattr(context, "_protected_args", []), *context.args]
        )
        path.append(name)
