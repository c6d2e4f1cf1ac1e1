from __future__ import annotations

import ast
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

import edgekit
from edgekit.cli.show.console import command, emit_json, say, say_some, tell
from edgekit.cli.show.screen import Screen
from edgekit.cli.show.tables import print_table

if TYPE_CHECKING:
    import pytest

NASTY = "\x1b]0;PWN\x07\x1b[31mred\u202e [/bold] @everyone\x00"


def test_whatever_is_said_or_told_is_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{NASTY}\n::error::x")
    tell(NASTY)
    emit_json({"a": NASTY + "\x7f"})
    command("::error::of edgekit's own")
    shown = capsys.readouterr()
    assert (shown.out + shown.err).isprintable() or not set(shown.out + shown.err) & set("\x1b\x07\x00\x7f\u202e")
    assert "\n\\x3a:error::x\n" in shown.err
    assert shown.err.endswith("\n::error::of edgekit's own\n")


def test_tables_are_cleaned_and_read_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name",), [(NASTY,)])
    shown = capsys.readouterr().err
    assert r"\x1b]0;PWN\x07" in shown
    assert "[/bold]" in shown
    assert "\x1b" not in shown


def test_a_screen_keeps_its_own_colours() -> None:
    stream = io.StringIO()
    screen = Screen(file=stream, force_terminal=True, color_system="standard", markup=False, width=200, _environ={})
    table = Table("head")
    table.add_row(Text(NASTY, style="red"))
    screen.print(table)
    screen.print(NASTY)
    shown = stream.getvalue()
    assert "\x1b[31m" in shown.replace(r"\x1b[31m", "")
    assert "\x1b]" not in shown
    assert "\u202e" not in shown


def test_the_screens_write_where_they_say() -> None:
    from edgekit.cli.show.screen import on_stderr, on_stdout

    assert on_stderr().file is sys.stderr
    assert on_stdout().file is sys.stdout


def test_there_is_no_other_way_to_a_terminal() -> None:
    package = Path(edgekit.__file__).parent
    outside = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name.startswith("agent/") or name in ("cli/show/console.py", "cli/show/screen.py", "base/clean.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "Console"):
                outside.append(f"{name}:{node.lineno}")
            if isinstance(node, ast.ImportFrom) and node.module == "html":
                outside.append(f"{name}:{node.lineno}")
    assert outside == []


def test_of_very_many_rows_and_lines_the_first_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("n",), [(f"row {number}",) for number in range(250)])
    say_some([f"line {number}" for number in range(60)])
    shown = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("row") for line in shown) == 200
    assert "... and 50 more rows: --json has all" in shown
    assert "... and 10 more such lines: --json has all" in shown
