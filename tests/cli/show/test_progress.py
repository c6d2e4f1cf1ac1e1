"""Events on stderr: all on a terminal, warnings and ended jobs elsewhere."""

from __future__ import annotations

import re
import sys

import pytest

from edgekit.base.progress import Event, Finished, JobEnded, Note, PartDone, Step, Warned
from edgekit.cli.show import progress as module
from edgekit.cli.show.live import live_line
from edgekit.cli.show.progress import ProgressLines, time_text

EVENTS = [Step("converting", ("a",)), Note("3 workers"), Warned("not cached: full"), Finished("done", ("a",))]


def watched(monkeypatch) -> None:
    """Let stderr be a terminal that somebody watches."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def told(capsys, events=EVENTS) -> list[str]:
    lines = ProgressLines()
    for event in events:
        lines(event)
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def clock(monkeypatch, *seconds: float) -> None:
    """Let the time since the start be these seconds, one an event."""
    times = iter((100.0, *(100.0 + second for second in seconds)))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(times))


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


def test_a_line_as_each_job_ends_in_a_log(monkeypatch, capsys):
    clock(monkeypatch, 0.5, 30.0, 90.0)
    jobs = (Step("converting", ("a",)), JobEnded("converted", ("a",), 1, 3), JobEnded("converted", ("b",), 3, 3))
    assert told(capsys, jobs) == ["[  30.0 s] 1/3 a: converted; about 60 s left", "[  90.0 s] 3/3 b: converted"]


def test_one_job_alone_needs_no_line_in_a_log(capsys):
    assert told(capsys, (JobEnded("converted", ("a",), 1, 1),)) == []


def test_a_long_job_says_now_and_then_in_a_log_how_far_it_is(monkeypatch, capsys):
    clock(monkeypatch, 0.0, 20.0, 61.0, 80.0, 115.0, 121.5)
    parts = (Step("pair 1", ("b",)), *(PartDone("pair kept", ("b",), done, 20) for done in range(1, 6)))
    assert told(capsys, parts) == [
        "[  61.0 s] 2/20 b: pair kept; about 9 min left",
        "[ 121.5 s] 5/20 b: pair kept; about 6 min left",
    ]


def test_parts_of_a_job_are_counted_from_its_own_begin(monkeypatch, capsys):
    """A second gate's first pair says nothing of the time that the first gate took."""
    watched(monkeypatch)
    clock(monkeypatch, 100.0, 110.0)
    events: tuple[Event, ...] = (Step("pair 1 of at most 20", ("b",)), PartDone("pair kept", ("b",), 1, 20))
    assert told(capsys, events)[-1] == "[ 110.0 s] 1/20 b: pair kept; about 3 min left"


def test_parts_that_only_their_ends_tell_of_are_counted_from_the_whole_before_them(monkeypatch, capsys):
    """The first round's end says how long a round takes; so does that of the rounds after the building."""
    watched(monkeypatch)
    clock(monkeypatch, 10.0, 20.0, 26.0, 32.0)
    rounds = [PartDone("built", (), 1, 2), PartDone("built", (), 2, 2), *(PartDone("round", (), n, 5) for n in (1, 2))]
    assert told(capsys, rounds) == [
        "[  10.0 s] 1/2 built; about 10 s left",
        "[  20.0 s] 2/2 built",
        "[  26.0 s] 1/5 round; about 24 s left",
        "[  32.0 s] 2/5 round; about 18 s left",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (7140, "119 min"), (7200, "2 h"), (12000, "3 h 20 min")],
)
def test_times_as_a_person_says_them(seconds, text):
    assert time_text(seconds) == text


def test_warnings_stay_above_the_live_line(capsys):
    with live_line(1) as (progress, _):
        for event in EVENTS:
            progress(event)
    assert "not cached: full" in capsys.readouterr().err.splitlines()
