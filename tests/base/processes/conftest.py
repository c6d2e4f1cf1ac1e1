"""Functions that run in children, fresh or forked."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.base.locks import alive
from edgekit.base.processes import warm
from edgekit.base.processes.isolate import run_named

CHILD = '''
import ctypes, os, resource, signal, subprocess, sys, time
from edgekit import errors
from edgekit.types.base import Frozen

class Kept(Frozen):
    number: int

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

def built(request):
    return {"built": Kept.__pydantic_complete__}

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
