"""Events on stderr: all on a terminal, warnings alone elsewhere."""

from __future__ import annotations

import re
import sys

from edgekit.base.progress import Finished, Note, Step, Warned
from edgekit.cli.show.live import live_line
from edgekit.cli.show.progress import ProgressLines

EVENTS = [Step("converting", ("a",)), Note("3 workers"), Warned("not cached: full"), Finished("done", ("a",))]


def watched(monkeypatch) -> None:
    """Let stderr be a terminal that somebody watches."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def told(capsys) -> list[str]:
    lines = ProgressLines()
    for event in EVENTS:
        lines(event)
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_a_line_each_with_the_time_on_a_terminal(monkeypatch, capsys):
    watched(monkeypatch)
    lines = told(capsys)
    assert [re.sub(r"^\[ *\d+\.\d s\] ", "", line) for line in lines] == [str(event) for event in EVENTS]
    assert all(re.match(r"\[ *\d+\.\d s\] ", line) for line in lines)


def test_warnings_alone_elsewhere(capsys):
    assert told(capsys) == ["not cached: full"]


def test_warnings_alone_in_a_job(monkeypatch, capsys):
    watched(monkeypatch)
    monkeypatch.setenv("CI", "true")
    assert told(capsys) == ["not cached: full"]


def test_warnings_stay_above_the_live_line(capsys):
    with live_line(1) as (progress, _):
        for event in EVENTS:
            progress(event)
    assert "not cached: full" in capsys.readouterr().err.splitlines()
