"""Emulated boards and phones, and what counting on simulated boards takes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from filelock import FileLock

from benchmarks.real_data import CACHE
from edgekit.base.progress import silent
from edgekit.devices.virtual.build import BUILD_TOOLS


@pytest.fixture(scope="module")
def emulated_phone() -> None:
    """The emulated phones, built once and kept in the cache; each test starts its own, so none waits for another."""
    if shutil.which("adb") is None:
        pytest.skip("needs adb")
    from edgekit.devices.virtual.build import build_system

    check_emulation()
    build_system(silent)


@pytest.fixture
def counting() -> None:
    """What counting on a simulated board takes; the system of the boards is built once and kept in the cache."""
    from edgekit.devices.virtual.build import build_system

    missing = [package for program, package in (("qemu-aarch64", "qemu-user"), ("cc", "gcc"), ("dpkg", "dpkg"))
               if shutil.which(program) is None]  # fmt: skip
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    build_system(silent, BUILD_TOOLS)  # behind a lock of its own: none waits here for a test that runs on a board


@pytest.fixture
def emulated() -> Iterator[None]:
    """The emulated boards, built once and kept in the cache; one test at a time."""
    from edgekit.devices.virtual.build import build_system

    check_emulation()
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "emulated-board.lock"):
        build_system(silent)
        yield


def check_emulation() -> None:
    """Skip where nothing can be emulated."""
    from edgekit.devices.virtual.build import TOOLS

    path = os.environ["PATH"] + ":/usr/sbin"
    missing = {package for program, package in TOOLS.items() if shutil.which(program, path=path) is None}
    if missing:
        pytest.skip(f"needs {', '.join(sorted(missing))}")
    try_out = "mount -t proc proc /proc && mount -t binfmt_misc none /proc/sys/fs/binfmt_misc"
    command = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", try_out]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces with a binfmt_misc of their own (Linux 6.7)")
