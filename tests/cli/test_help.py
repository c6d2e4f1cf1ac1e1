"""The help of every command, and the program as a module."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

# Help


COMMANDS = [[], ["export"], ["models"], ["models", "list"], ["models", "show"], ["profile"], ["report"], ["doctor"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(edgekit, command):
    done = edgekit(*command, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "Usage: edgekit" in done.stdout
    assert edgekit(*command, "-h").stdout == done.stdout


def leaves(command, path=()):
    """Every command of the program, with its words."""
    for name, sub in getattr(command, "commands", {}).items():
        yield (*path, name), sub
        yield from leaves(sub, (*path, name))


def test_every_option_and_command_says_what_it_does():
    import typer

    from edgekit.cli import app

    found = dict(leaves(typer.main.get_command(app)))
    assert {tuple(command) for command in COMMANDS if command} <= set(found)
    for words, command in found.items():
        assert command.help, words
        for parameter in command.params:
            if "--help" not in parameter.opts:
                assert getattr(parameter, "help", None), (words, parameter.name)


def test_export_help_names_every_option_but_those_of_tune(edgekit):
    import typer

    from edgekit.cli import app

    export = dict(leaves(typer.main.get_command(app)))[("export",)]
    shown = set(re.findall(r"(?<!\w)--?[\w-]+", edgekit("export", "--help", COLUMNS="200").stdout))
    for parameter in export.params:
        for option in parameter.opts:
            if option.startswith("-"):
                assert (option in shown) is not parameter.hidden, option


def test_as_a_module(edgekit, project):
    done = subprocess.run([sys.executable, "-m", "edgekit", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout == edgekit("--version").stdout
    assert re.fullmatch(r"edgekit \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(("flag", "traceback"), [([], False), (["--debug"], True)])
def test_debug_shows_the_traceback(edgekit, project, flag, traceback):
    program = str(Path(sys.executable).with_name("edgekit"))
    command = [program, *flag, "export", "nothing-like-it", "-f", "onnx"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert ("Traceback" in done.stderr) is traceback
    assert "unknown model 'nothing-like-it'" in done.stderr
