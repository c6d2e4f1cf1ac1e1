"""Completion of half-written words, as bash asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from edgekit.catalog import cards, profiles
from edgekit.cli import app
from edgekit.cli.shared.complete import device_names, model_ids, profile_names

ROOT = Path(__file__).parents[3]
ASK = 'eval "$(edgekit --show-completion)"; COMP_WORDS=({words}); COMP_CWORD={last}; _edgekit_completion edgekit\n'


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with ``edgekit`` on the path and devices of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "edgekit").write_text(f'#!/bin/sh\nexec {sys.executable} -m edgekit "$@"\n')
    (tmp_path / "bin" / "edgekit").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "devices.toml").write_text('[pi-on-the-shelf]\ntransport = "ssh"\naddress = "192.0.2.1"\n')
    return tmp_path


def offered(*words: str) -> list[str]:
    """What bash offers behind the last of these words."""
    text = ASK.format(words=" ".join(f"'{word}'" for word in words), last=len(words) - 1)
    text += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    done = subprocess.run(["bash", "--norc"], input=text, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("export", "mobilenet_v3_l"), {name for name in cards() if name.startswith("mobilenet_v3_l")}),
        (("export", "x", "--profile", "onnx-"), {name for name in profiles() if name.startswith("onnx-")}),
        (("profile", "--device", "pi-"), {"pi-on-the-shelf"}),
        (("his",), {"history"}),
    ],
    ids=["model", "profile", "device", "verb"],
)
def test_bash_offers_the_names(words: tuple[str, ...], wanted: set[str], shell: Path) -> None:
    assert set(offered("edgekit", *words)) == wanted


def test_where_bash_keeps_its_settings_completion_is_installed(shell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(shell))
    done = subprocess.run(
        ["bash", "--norc"], input="edgekit --install-completion\n", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "bash completion installed in" in done.stdout
    assert "_edgekit_completion" in (shell / ".bash_completions" / "edgekit.sh").read_text()


def test_every_id_is_offered_without_reading_a_card() -> None:
    assert model_ids("") == sorted(cards())
    assert profile_names("") == sorted(profiles())


def test_names_before_a_comma_stay(shell: Path) -> None:
    assert device_names("local,pi-") == ["local,pi-on-the-shelf"]


def test_a_broken_file_of_devices_offers_nothing(shell: Path) -> None:
    (shell / "devices.toml").write_text("[")
    assert device_names("") == []


def commands(found: Any, path: str = "edgekit") -> Iterator[tuple[str, Any]]:
    """Every command of the program, by the words that call it."""
    for name, command in getattr(found, "commands", {}).items():
        yield f"{path} {name}", command
        yield from commands(command, f"{path} {name}")


def test_every_option_that_takes_such_a_name_is_completed() -> None:
    bare = [
        f"{path} {parameter.opts}"
        for path, command in commands(get_command(app))
        for parameter in command.params
        if {"--device", "--model", "--profile", "models"} & set(parameter.opts)
        and not parameter.hidden
        and parameter._custom_shell_complete is None
    ]
    assert bare == []
