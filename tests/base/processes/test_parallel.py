"""Work on several threads, in real child processes that must not outlive an interrupt."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from edgekit.base.locks import alive
from edgekit.base.processes.isolate import METER, run_named
from edgekit.base.processes.parallel import run_all
from edgekit.errors import ToolError

CHILD = """
import os, time

def sleep(request):
    open(request["pid"] + ".part", "w").write(str(os.getpid()))
    os.rename(request["pid"] + ".part", request["pid"])
    time.sleep(300)

def spin(request):
    while time.process_time() < 0.3:
        pass
    return {}
"""


@pytest.fixture
def where(tmp_path) -> dict[str, str]:
    (tmp_path / "parallel_child.py").write_text(CHILD)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_item_is_done_on_the_calling_thread(jobs):
    done: dict[int, int] = {}
    threads = set()

    def note(item: int, result: int) -> None:
        done[item] = result
        threads.add(threading.current_thread())

    run_all(range(7), lambda item: item * item, note, jobs)
    assert done == {item: item * item for item in range(7)}
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("cause", [KeyboardInterrupt, SystemExit, ValueError])
def test_interrupt_ends_the_children_of_all_threads(where, tmp_path, cause):
    """One item interrupts once two others sleep in their children; a fourth never begins."""
    files = [tmp_path / "0", tmp_path / "1"]
    ends: list[str] = []

    def work(item: int) -> int:
        if item == 2:
            while not all(file.exists() for file in files):
                time.sleep(0.01)
            return item
        try:
            run_named("parallel_child:sleep", {"pid": str(tmp_path / str(item))}, 200, f"sleeping {item}", env=where)
        except ToolError as error:
            ends.append(str(error))
            raise
        return item

    def interrupt(item: int, result: int) -> None:
        raise cause

    start = time.monotonic()
    with pytest.raises(cause):
        run_all(range(4), work, interrupt, 3)
    assert time.monotonic() - start < 60
    assert len(ends) in (2, 3)
    assert all("SIGKILL" in end or "stopped before it began" in end for end in ends)
    assert not any(alive(int(Path(file).read_text())) for file in files)


def test_meter_counts_the_childs_time(where):
    spent = METER.seconds
    run_named("parallel_child:spin", {}, 60, "spinning", env=where)
    assert 0.3 <= METER.seconds - spent < 5
