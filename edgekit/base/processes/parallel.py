"""Several pieces of work at the same time, on threads: the work itself happens in child processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from .isolate import end_all

T = TypeVar("T")
R = TypeVar("R")


def run_all(items: Sequence[T], work: Callable[[T], R], done: Callable[[T, R], None], jobs: int) -> None:
    """Call ``work`` on every item, ``jobs`` at a time, and ``done`` on this thread with each result as it comes.

    Ctrl-C, or any other exception, ends the children of all threads; it is raised again when they have cleaned up.
    """
    if jobs == 1:  # on this thread, where an interrupt reaches the work itself
        for item in items:
            done(item, work(item))
        return
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(work, item): item for item in items}
        try:
            for future in as_completed(running):
                done(running[future], future.result())
        except BaseException:
            with end_all():
                pool.shutdown(wait=True, cancel_futures=True)
            raise
