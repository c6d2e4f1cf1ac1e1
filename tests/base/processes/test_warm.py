"""Warm interpreters fork children that have their imports and nothing else."""

from __future__ import annotations

import os
import sys

import pytest

from edgekit.base.locks import alive
from edgekit.base.processes import warm
from edgekit.base.processes.isolate import METER, run_named
from edgekit.errors import ToolError
from tests.base.processes.conftest import gone

# Warm interpreters


def test_a_forked_child_has_the_imports_and_nothing_else(imports, call, monkeypatch, tmp_path):
    """Each is a process of its own, in our folder and environment of now."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLOUR", "blue")
    first, second = call("state"), call("state")
    assert (first["folder"], first["colour"], first["calls"]) == (str(tmp_path), "blue", 1)
    assert (second["calls"], second["pid"] != first["pid"]) == (1, True)
    assert first["imported_by_server"] is (imports != ())


def test_the_types_that_it_imported_are_built_once_for_all_children(imports, call):
    assert call("built") == {"built": imports != ()}


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


def test_a_process_that_is_given_more_keeps_its_interpreters_for_a_while(where, monkeypatch):
    monkeypatch.setattr(warm, "WARMTH", warm.Warmth())
    monkeypatch.setattr(warm, "LINGER_S", 1.0)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([where["PYTHONPATH"], *sys.path]))
    servers = []
    for _ in range(2):
        with warm.lingering():
            assert run_named("child_functions:echo", {}, 60, "x", imports=("json", "child_functions")) == {}
        servers.append(warm.WARMTH._started.pid)
    assert servers[0] == servers[1]
    assert gone(servers[:1])
    assert not warm.is_warm()


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
