"""What other tools call edgekit's commands and options."""

from __future__ import annotations

import pytest
import typer

from edgekit.cli import app
from edgekit.cli.shared.other_words import COMMANDS, OPTIONS

ROOT = typer.main.get_command(app)
NAMES = {
    " ".join(path): {name for one in command.params for name in one.opts}
    for first, outer in ROOT.commands.items()
    for path, command in [
        ((first,), outer),
        *(((first, second), inner) for second, inner in getattr(outer, "commands", {}).items()),
    ]
}


def test_what_is_named_is_there_and_what_is_meant_is_not():
    assert set(COMMANDS.values()) <= set(NAMES)
    assert not set(COMMANDS) & set(NAMES)
    assert {one for named in OPTIONS.values() for one in named} <= set().union(*NAMES.values())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("export mobilenet_v2 --precision int8", "(Possible options: --dynamic-range, --fp16, --int8)"),
        ("export mobilenet_v2 --data photos", "(Possible options: --calibration)"),
        ("evaluate x --dataset photos", "(Possible options: --data)"),
        ("gate --threshold 0.05", "(Possible options: --delta, --tolerance)"),
        ("profile x --fromat onnx", "No such option: --fromat"),
        ("benchmark x", "No such command 'benchmark': it is edgekit profile."),
        ("exprot x", "Did you mean 'export'?"),
    ],
)
def test_who_types_another_tools_word_is_told_ours(edgekit, words, said):
    done = edgekit(*words.split())
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
