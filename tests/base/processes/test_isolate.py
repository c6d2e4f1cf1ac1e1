"""Child processes that crash, hang, lie and get interrupted; all of them real."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import errors
from edgekit.base.processes.isolate import describe_exit, run_logged, run_named, tail
from edgekit.errors import EdgekitError, ToolError


def test_no_converter_reports_to_its_maker(call) -> None:
    assert call("reports_home") == {"can": False}


@pytest.mark.parametrize("value", [{}, {"a": [1, 2.5, None, "é"], "b": {"c": True}}])
def test_value_travels_both_ways(call, value):
    assert call("echo", value) == value


def test_log_is_kept_where_asked(call, tmp_path):
    call("echo", log=tmp_path / "log.txt")
    call("echo", log=tmp_path / "log.txt")
    assert (tmp_path / "log.txt").read_text() == "said by the child\n" * 2


def test_temporary_files_of_a_child_do_not_outlive_it(call):
    made = Path(call("temporary")["made"])
    assert made.parent.name.startswith("edgekit-")
    assert not made.parent.exists()


def test_environment_is_added(where):
    answer = run_named("child_functions:environment", {"name": "COLOUR"}, 60, "x", env={**where, "COLOUR": "blue"})
    assert answer == {"value": "blue"}


@pytest.mark.parametrize(
    ("function", "request_", "said"),
    [
        ("segfault", {}, "making x crashed with SIGSEGV"),
        ("abort", {}, "making x crashed with SIGABRT"),
        ("leave", {"code": 7}, "making x ended with exit code 7"),
        ("leave", {"code": 0}, "making x ended with exit code 0"),
        ("value_error", {}, "making x ended with an unexpected error, ValueError: not that value"),
        ("bare", {}, "making x ended with an unexpected error, KeyError: 186"),
        ("silent", {}, "making x ended with an unexpected error, AssertionError"),
        ("unserialisable", {}, "making x ended with exit code 1"),
        ("disk_fills", {}, "making x could not write its answer"),
        (
            "no_such_function",
            {},
            (
                "making x ended with an unexpected error, "
                "AttributeError: module 'child_functions' has no attribute 'no_such_function'"
            ),
        ),
    ],
)
def test_bad_end_is_a_tool_error(call, function, request_, said):
    with pytest.raises(ToolError) as caught:
        call(function, request_)
    assert str(caught.value).splitlines()[0] == said
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("function", "request_"), [("bare", {}), ("fail", {"kind": "UsageError", "message": "a", "hint": ""})]
)
def test_the_childs_traceback_comes_along(call, function, request_):
    with pytest.raises(EdgekitError) as caught:
        call(function, request_)
    shown = "".join(traceback.format_exception(caught.value))
    assert "child_functions.py" in shown
    assert f"in {function}" in shown
    assert "Traceback" not in str(caught.value)


def test_only_an_unexpected_error_is_said_to_have_a_traceback(call):
    with pytest.raises(ToolError) as caught:
        call("bare")
    assert "--debug" in caught.value.hint


def test_crash_shows_the_end_of_the_log(call):
    with pytest.raises(ToolError, match="about to read address 0"):
        call("segfault")


def test_full_disk_is_named_without_a_traceback(call):
    with pytest.raises(ToolError, match="File too large") as caught:
        call("disk_fills")
    assert "Traceback" not in str(caught.value)
    assert "TMPDIR" in caught.value.hint


@pytest.mark.parametrize(
    "kind", [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, EdgekitError)]
)
@pytest.mark.parametrize("hint", ["", "do this\nthen that"])
def test_error_arrives_as_its_own_class(call, kind, hint):
    with pytest.raises(EdgekitError) as caught:
        call("fail", {"kind": kind.__name__, "message": "two\nlines", "hint": hint})
    assert type(caught.value) is kind
    assert (str(caught.value), caught.value.hint, caught.value.exit_code) == ("two\nlines", hint, kind.exit_code)


# Words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "ran out of time after 0.5 s and was stopped"),
        (-11, "crashed with SIGSEGV"),
        (-9, "crashed with SIGKILL"),
        (-40, "crashed with signal 40"),
        (3, "ended with exit code 3"),
    ],
)
def test_exit_in_words(code, words):
    assert describe_exit(code, 0.5) == words


@settings(max_examples=50)
@given(st.lists(st.text(alphabet="ab \t\r\u00e9", max_size=5), max_size=40), st.integers(1, 5))
def test_tail_is_the_last_lines_indented(tmp_path_factory, lines, count):
    log = tmp_path_factory.mktemp("log") / "log"
    log.write_bytes("\n".join(lines).encode())
    shown = tail(log, count).splitlines()
    assert len(shown) <= count
    assert all(line.startswith("    ") and line.strip() and line == line.rstrip() for line in shown)
    if any(line.strip() for line in lines):
        assert shown


def test_tail_of_bytes_that_are_no_text(tmp_path):
    (tmp_path / "log").write_bytes(b"\xff\xfe broken\n")
    assert "broken" in tail(tmp_path / "log")
    assert tail(tmp_path / "none") == ""


def test_tail_of_a_log_that_has_no_measure(tmp_path):
    """A native library may print until the disk is full: only the end is read."""
    log = tmp_path / "log"
    with log.open("wb") as stream:
        stream.truncate(1 << 40)  # a hole: a terabyte, which nobody could read
        stream.seek(0, 2)
        stream.write(b"\nthe cause\n")
    assert tail(log, 1) == "    the cause"


def test_run_logged_gives_no_input(tmp_path):
    code = run_logged([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"], tmp_path / "log", 30)
    assert (code, (tmp_path / "log").read_text()) == (0, "''\n")
