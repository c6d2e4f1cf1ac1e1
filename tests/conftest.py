"""What all tests share: each idea has its module in ``tests/support``."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from edgekit.base.processes.isolate import REPORTING

# Whoever forbids byte code has every one of the tests' thousand interpreters compile edgekit anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# As in edgekit's children. Every conversion in the tests' own processes began one more, of two seconds, which told
# OpenVINO's makers of it.
sys.modules.setdefault(REPORTING, None)  # type: ignore[arg-type]  # what is None here cannot be imported
gc.set_threshold(20_000, 10, 10)  # PyTorch and its converters, which come next, are a million objects that stay
pytest_plugins = [
    "tests.support.agent",
    "tests.support.caches",
    "tests.support.counts",
    "tests.support.dask_cluster",
    "tests.support.disks",
    "tests.support.emulation",
    "tests.support.fetched",
    "tests.support.gauge",
    "tests.support.networks",
    "tests.support.projects",
    "tests.support.searches",
    "tests.support.ssh_board",
]


# Time on a busy machine says nothing about the code: an example may take as long as it likes. The examples are the same
# each time: a change is not to fail over what another one left. `make fuzz` looks at new ones, and at more.
settings.register_profile("edgekit", deadline=None, derandomize=True)
settings.register_profile("far", deadline=None, max_examples=2000)
settings.load_profile("edgekit")


def pytest_configure() -> None:
    """Let children be interrupted: a shell that starts the suite in the background ignores SIGINT, they would too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup; a handler that does nothing is not inherited
        signal.signal(signal.SIGHUP, lambda *_: None)
    # As in edgekit's own children: PyTorch's idle threads would spin, on cores that other tests need.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what a test makes, and not at all that was imported, again and again."""
    gc.collect()
    gc.freeze()


FETCHING = {
    "mobilenet_v2_weights", "squeezenet_weights", "labelled_photos", "old_python", "webgpu_python",
    "labgrid_programs", "lavapipe", "emulated", "emulated_phone", "counting", "onnxruntime_headers", "metadata_package",
}  # fmt: skip
"""Fixtures that take packages from PyPI, npm or Debian's archive."""

HELD = {"emulated", "real_network"}
"""Fixtures behind which other processes wait, for a minute or more."""


def by_turns(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """The tests, so that processes that take a part each, one behind the other, begin with what is long and end with
    what is short.

    The first part begins with the files that share a long lock: one process alone runs these, and no other waits for
    it. Files with slow tests follow, always in the part that has fewest tests, and all others fill the parts up. A
    process that is done takes over tests from the end of another's part, which are short: none is left waiting for a
    long one.
    """
    of_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        of_file.setdefault(item.path, []).append(item)
    parts: list[list[pytest.Item]] = [[] for _ in range(processes)]
    slow: list[list[pytest.Item]] = []
    short: list[pytest.Item] = []
    for tests in of_file.values():
        if any(HELD & set(getattr(item, "fixturenames", ())) for item in tests):
            parts[0] += tests
        elif any(item.get_closest_marker("slow") is not None for item in tests):
            slow.append(tests)
        else:
            short += tests
    for tests in slow:
        min(parts, key=len).extend(tests)
    ordered: list[pytest.Item] = []
    for begun in parts:
        room = max(0, len(items) // processes - len(begun))
        ordered += [*begun, *short[:room]]
        short = short[room:]
    return ordered + short


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what fetches by the fixtures that it asks for, and begin with what takes long."""
    items[:] = by_turns(items, getattr(config, "workerinput", {"workercount": 1})["workercount"])
    for item in items:
        if FETCHING & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.network)
