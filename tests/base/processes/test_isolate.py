"""Child processes that crash, hang, lie and get interrupted; all of them real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import errors
from edgekit.base.locks import alive
from edgekit.base.processes import warm
from edgekit.base.processes.isolate import METER, describe_exit, run_logged, run_named, tail
from edgekit.errors import EdgekitError, ToolError, did_you_mean

CHILD = '''
import ctypes, os, resource, signal, subprocess, sys, time
from edgekit import errors

def echo(request):
    print("said by the child")
    return request

def environment(request):
    return {"value": os.environ.get(request["name"])}

def reports_home(request):
    try:
        import openvino_telemetry
    except ImportError:
        return {"can": False}
    return {"can": True}

def temporary(request):
    import tempfile
    return {"made": tempfile.mkdtemp()}

CALLS = []
IMPORTED_IN = os.getpid()

def state(request):
    CALLS.append(1)
    return {"folder": os.getcwd(), "colour": os.environ.get("COLOUR"), "calls": len(CALLS), "pid": os.getpid(),
            "imported_by_server": os.getpid() != IMPORTED_IN}

def work(request):
    begin = time.process_time()
    while time.process_time() - begin < 0.25:
        pass
    return {}

def segfault(request):
    print("about to read address 0", flush=True)
    ctypes.string_at(0)

def abort(request):
    os.abort()

def leave(request):
    os._exit(request["code"])

def fail(request):
    raise getattr(errors, request["kind"])(request["message"], request["hint"])

def value_error(request):
    raise ValueError("not that value")

def bare(request):
    return {}[186]

def silent(request):
    raise AssertionError

def unserialisable(request):
    return {"set": {1, 2}}

def disk_fills(request):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    return {"long": "x" * 100_000}

def family(request):
    """A grandchild that ignores hang-ups, its id in a file; then whatever is asked."""
    program = "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); time.sleep(300)"
    grandchild = subprocess.Popen([sys.executable, "-c", program])
    with open(request["pids"] + ".part", "w") as stream:
        stream.write(f"{os.getpid()} {grandchild.pid}")
    os.rename(request["pids"] + ".part", request["pids"])
    if request["then"] == "abort":
        os.abort()
    if request["then"] == "return":
        return {}
    time.sleep(300)
'''


@pytest.fixture(scope="module")
def where(tmp_path_factory) -> dict[str, str]:
    """An environment in which the module ``child_functions`` can be imported."""
    folder = tmp_path_factory.mktemp("child")
    (folder / "child_functions.py").write_text(CHILD)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture(scope="module", params=["fresh", "forked"])
def imports(request, where) -> Iterator[tuple[str, ...]]:
    """What :func:`run_named` is told of the imports: nothing, or that a warm interpreter can have them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm, "WARMTH", warm.Warmth())  # the one of the session has another PYTHONPATH
        patch.setenv("PYTHONPATH", os.pathsep.join([where["PYTHONPATH"], *sys.path]))
        with warm.warm():
            yield ("child_functions",) if request.param == "forked" else ()


@pytest.fixture
def call(imports):
    def run(function, request=None, timeout_s=60.0, **more):
        return run_named(f"child_functions:{function}", request or {}, timeout_s, "making x", imports=imports, **more)

    return run


def test_no_converter_reports_to_its_maker(call) -> None:
    assert call("reports_home") == {"can": False}


def wait_for(path: Path) -> list[int]:
    """The process ids in a file, once it is there."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, "the child wrote no ids"
        time.sleep(0.02)
    return [int(word) for word in path.read_text().split()]


def gone(pids: list[int]) -> bool:
    """True once none of the processes runs; a zombie without a parent that waits for it does not run."""

    def runs(pid: int) -> bool:
        try:
            return alive(pid) and Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    deadline = time.monotonic() + 5
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(runs, pids))


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


# Nothing survives


def test_timeout_ends_grandchildren_too(call, tmp_path):
    start = time.monotonic()
    with pytest.raises(ToolError, match=r"making x ran out of time after 3 s and was stopped") as caught:
        call("family", {"pids": str(tmp_path / "pids"), "then": "sleep"}, timeout_s=3)
    assert caught.value.hint == "try again when the machine has less to do"
    assert time.monotonic() - start < 15
    assert gone(wait_for(tmp_path / "pids"))


@pytest.mark.parametrize("then", ["abort", "return"])
def test_grandchildren_end_with_the_child(call, tmp_path, then):
    with pytest.raises(ToolError, match="SIGABRT") if then == "abort" else nullcontext():
        call("family", {"pids": str(tmp_path / "pids"), "then": then})
    assert gone(wait_for(tmp_path / "pids"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_the_whole_family(imports, tmp_path, how):
    program = """
import signal, sys
from edgekit.base.processes.isolate import run_named
from edgekit.base.processes.warm import warm
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
request = {"pids": sys.argv[1], "then": "sleep"}
with warm():
    run_named("child_functions:family", request, 100, "x", imports=sys.argv[2:])
"""
    command = [sys.executable, "-c", program, str(tmp_path / "pids"), *imports]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    pids = wait_for(tmp_path / "pids")
    parent.send_signal(how)
    _, said = parent.communicate(timeout=20)
    assert parent.returncode == (143 if how is signal.SIGTERM else -signal.SIGINT), said
    assert gone(pids)


def test_kill_of_the_parent_ends_the_child(imports, tmp_path):
    program = """
import sys
from edgekit.base.processes.isolate import run_named
from edgekit.base.processes.warm import warm
request = {"pids": sys.argv[1], "then": "sleep"}
with warm():
    run_named("child_functions:family", request, 100, "x", imports=sys.argv[2:])
"""
    command = [sys.executable, "-c", program, str(tmp_path / "pids"), *imports]
    parent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    child, grandchild = wait_for(tmp_path / "pids")
    parent.kill()
    parent.wait()
    try:
        assert gone([child])
    finally:
        subprocess.run(["kill", "-9", str(child), str(grandchild)], check=False, capture_output=True)


# Warm interpreters


def test_a_forked_child_has_the_imports_and_nothing_else(imports, call, monkeypatch, tmp_path):
    """Each is a process of its own, in our folder and environment of now."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLOUR", "blue")
    first, second = call("state"), call("state")
    assert (first["folder"], first["colour"], first["calls"]) == (str(tmp_path), "blue", 1)
    assert (second["calls"], second["pid"] != first["pid"]) == (1, True)
    assert first["imported_by_server"] is (imports != ())


def test_its_cpu_time_is_metered(call):
    before = METER.seconds
    call("work")
    assert METER.seconds - before > 0.2


def test_where_the_warm_interpreter_has_ended_a_fresh_one_does_it(imports, call):
    if not imports:
        pytest.skip("there is no warm interpreter to end")
    pid = call("state")["pid"]
    warm.WARMTH._started.kill()
    warm.WARMTH._started.wait()
    after = call("state")
    assert (after["calls"], after["imported_by_server"], after["pid"] != pid) == (1, False, True)


def test_a_block_ends_its_interpreters(where, monkeypatch):
    monkeypatch.setattr(warm, "WARMTH", warm.Warmth())
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([where["PYTHONPATH"], *sys.path]))
    with warm.warm():
        with warm.warm():
            assert run_named("child_functions:echo", {}, 60, "x", imports=("json", "child_functions")) == {}
        assert warm.WARMTH._started is not None
        server = warm.WARMTH._started.pid
        assert alive(server)
    assert gone([server])
    assert run_named("child_functions:state", {}, 60, "x", imports=("child_functions",))["imported_by_server"] is False


def test_what_cannot_be_imported_is_said_by_the_child(call, monkeypatch, where):
    with pytest.raises(ToolError, match="no_such_module"):
        run_named("no_such_module:f", {}, 60, "x", imports=("no_such_module",))


def test_a_cold_block_forks_nothing(call):
    with warm.cold():
        assert call("state")["imported_by_server"] is False


def test_an_import_that_crashes_is_the_childs_crash(tmp_path, monkeypatch):
    (tmp_path / "crashing.py").write_text("import os\nprint('no such instruction', flush=True)\nos.abort()\n")
    monkeypatch.setattr(warm, "WARMTH", warm.Warmth())
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    with warm.warm():
        for _ in range(2):
            with pytest.raises(ToolError, match=r"x crashed with SIGABRT\n +no such instruction"):
                run_named("crashing:f", {}, 60, "x", imports=("json", "crashing"))


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


def test_run_logged_gives_no_input(tmp_path):
    code = run_logged([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"], tmp_path / "log", 30)
    assert (code, (tmp_path / "log").read_text()) == (0, "''\n")


@given(st.text(max_size=12), st.sets(st.text(alphabet="abcdef_1.", min_size=1, max_size=8), max_size=6))
def test_did_you_mean_names_known_words_only(wrong, known):
    hint = did_you_mean(wrong, known)
    assert bool(hint) == bool(known)
    named = hint.removeprefix("did you mean ").removeprefix("known: ").removesuffix("?")
    assert all(word in known for word in named.replace(" or ", ", ").split(", ") if word)


def test_a_long_list_is_counted_only():
    assert did_you_mean("nothing like them", {f"word{i}" for i in range(50)}) == "50 are known"
