"""Every command that a page shows can be typed; the cheap ones are run."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgekit.cli import app
from tools.commands import FENCE, PAGES, ROOT, Command, UsageFault, documented, parse

COMMANDS = [command for page in PAGES for command in documented(page)]
CHEAP = (("models", "list"), ("models", "show"), ("schema",), ("devices", "list"))
"""Verbs that answer from what edgekit ships."""


def cheap(command: Command) -> bool:
    """It changes nothing, needs no device and no framework."""
    if not command.whole or "--layers" in command.words:
        return False
    return "--help" in command.words or any(command.words[: len(verb)] == verb for verb in CHEAP)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_the_page_parse(page: Path) -> None:
    faults = []
    for command in documented(page):
        try:
            parse(command.words)
        except UsageFault as error:
            message = str(error) or type(error).__name__
            if command.whole or message.startswith("No such"):
                faults.append(f"{command}: {message}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_block_says_what_it_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    bare = [text.count("\n", 0, block.start()) + 1 for block in FENCE.finditer(text) if not block["language"]]
    assert not bare, f"blocks without a language in lines {bare}: sh, console, text, toml, python or yaml"


@pytest.mark.parametrize("command", sorted({c.words for c in COMMANDS if cheap(c)}), ids=" ".join)
def test_the_cheap_ones_run(command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = CliRunner().invoke(app, list(command))
    assert done.exit_code == 0, done.output
    assert done.output.strip()


def test_the_pages_show_commands_that_are_run() -> None:
    assert len({c.words for c in COMMANDS if cheap(c)}) >= 4


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("exprot mobilenet_v3", "No such command"),
        ("export mobilenet_v3 --fromat tflite", "No such option"),
        ("models show", "Missing argument"),
        ("profile --threads", "requires an argument"),
    ],
)
def test_what_cannot_be_typed_is_found(line: str, fault: str) -> None:
    with pytest.raises(UsageFault) as caught:
        parse(tuple(line.split()))
    assert fault in str(caught.value) or fault.split(maxsplit=1)[0] in type(caught.value).__name__


def test_parsing_finds_the_verb() -> None:
    assert parse(("devices", "add", "rpi4", "pi@192.0.2.7")) == ("devices", "add")
    assert parse(("--help",)) == ()
    assert parse(("export", "--help")) == ("export",)
