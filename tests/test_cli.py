"""The program itself: its commands."""

from __future__ import annotations

from collections import Counter

from edgekit.cli import app


def test_each_command_is_registered_once():
    names = Counter(command.name for command in app.registered_commands)
    assert names["gate"] == names["compare"] == 1
    assert set(names.values()) == {1}
