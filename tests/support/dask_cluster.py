"""A real Dask cluster on loopback: a scheduler and workers, each a process that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest


@contextmanager
def started(log: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Dask program, ended by its id."""
    with log.open("wb") as stream:
        program = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            cwd=log.parent,
            start_new_session=True,
        )
    try:
        yield program
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


class Cluster:
    """A scheduler and its workers, each a process without a nanny."""

    def __init__(self, folder: Path, stack: ExitStack, **environment: str) -> None:
        self.folder, self.stack, self.environment = folder, stack, environment
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        file = folder / "scheduler.json"
        words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self.scheduler = self.start("scheduler", *words)
        self.address = self.wait(lambda: json.loads(file.read_text())["address"] if file.exists() else None)

    def start(self, kind: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{kind}{len(self.workers)}.log"
        return self.stack.enter_context(started(log, kind, *arguments, **{**self.environment, **environment}))

    def worker(self, **environment: str) -> None:
        name = f"worker-{len(self.workers)}"
        words = [self.address, "--no-nanny", "--no-dashboard", "--nthreads", "1", "--name", name]
        space = ["--local-directory", str(self.folder / name)]  # they share no folder
        self.workers[name] = self.start("worker", *words, *space, **environment)

    def kill_the_busy_one(self) -> str:
        """Kill, by its id, the first worker that works; its name."""
        from distributed import Client

        with Client(self.address, timeout=20, set_as_default=False) as client:
            self.wait(lambda: any(client.processing().values()))
            time.sleep(1)  # into the middle
            busy = next(address for address, tasks in client.processing().items() if tasks)
            name = client.scheduler_info(n_workers=-1)["workers"][busy]["name"]
        self.workers[name].kill()
        return str(name)

    @staticmethod
    def wait(ready: Callable[[], object]):
        deadline = time.monotonic() + 120
        while True:
            found = ready()
            if found:
                return found
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def make_cluster(tmp_path) -> Iterator[Callable[..., Cluster]]:
    with ExitStack() as stack:
        folder = tmp_path / "cluster"
        folder.mkdir()
        yield lambda **environment: Cluster(folder, stack, **environment)
