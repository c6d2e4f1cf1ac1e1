"""Trainings on a real Dask cluster on loopback, some of whose workers are killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import ToolError, UsageError
from edgekit.verbs.search.search import Searched, SearchOptions, search
from tests.support.dask_cluster import Cluster

pytest.importorskip("optuna")
pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


@pytest.fixture
def on(by_macs: None, small_mnasnet: Path, search_options: SearchOptions, heard: Any) -> Callable[..., Searched]:
    """Search with what is asked for, otherwise."""
    return lambda **asked: search(str(small_mnasnet), replace(search_options, limit="soft", **asked), heard)


def figures(found: Searched) -> dict[int, tuple[str, int]]:
    return {one.number: (one.state, one.right) for one in found.tried}


def said(heard: Any, words: str) -> int:
    """How many events say so."""
    return sum(words in str(event) for event in heard.events)


def test_a_cluster_finds_what_is_found_here(
    make_cluster: Callable[..., Cluster], on: Callable[..., Searched], tmp_path: Path, heard: Any
) -> None:
    """With one worker the networks come in the same order, and all their figures are the same."""
    cluster = make_cluster()
    cluster.worker()
    there = on(scheduler=cluster.address, out=tmp_path / "there")
    assert said(heard, "MB of images to the workers") == 1  # for all networks
    here = on(out=tmp_path / "here")
    assert figures(there) == figures(here)
    assert there.settings == here.settings
    cards = [{path.name: path.read_text() for path in (one.folder / "cards").iterdir()} for one in (there, here)]
    assert cards[0] == cards[1]
    more = on(scheduler=cluster.address, out=tmp_path / "here", trials=5)  # what began here goes on there
    assert more.tried[:4] == here.tried


def test_a_killed_worker_is_survived(
    make_cluster: Callable[..., Cluster], on: Callable[..., Searched], heard: Any
) -> None:
    cluster = make_cluster()
    cluster.worker()
    cluster.worker()
    killer = threading.Thread(target=lambda: when_training(cluster))
    killer.start()
    found = on(scheduler=cluster.address, epochs=40)
    killer.join()
    assert [(one.number, one.state) for one in found.tried] == [(number, "trained") for number in range(4)]
    assert sum(worker.poll() is not None for worker in cluster.workers.values()) == 1


def when_training(cluster: Cluster) -> None:
    """Kill a worker that trains; the ones that are asked how they compute are busy before."""
    from distributed import Client

    with Client(cluster.address, timeout=20, set_as_default=False) as client:
        cluster.wait(lambda: any("train_parcel" in key for keys in client.processing().values() for key in keys))
        time.sleep(0.2)
        working = client.processing()
        busy = next(a for a, keys in working.items() if any("train_parcel" in key for key in keys))
        name = client.scheduler_info(n_workers=-1)["workers"][busy]["name"]
    cluster.workers[name].kill()


def test_a_network_that_costs_its_worker_fails_alone(
    make_cluster: Callable[..., Cluster], on: Callable[..., Searched], heard: Any
) -> None:
    """Of the only worker, with which the images go too: another one that comes gets them again."""
    cluster = make_cluster(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    cluster.worker()
    on(scheduler=cluster.address, trials=1)  # the reference, which nothing goes without
    killer = threading.Thread(target=lambda: (when_training(cluster), cluster.worker()))
    killer.start()
    found = on(scheduler=cluster.address, epochs=1, trials=8)  # some are left after the one that is struck
    killer.join()
    failed = [one for one in found.tried if one.state == "failed"]
    assert len(found.tried) == 8
    assert len(failed) == 1
    assert f"the training of small_s{failed[0].number:03d} was " in failed[0].error
    assert said(heard, "MB of images to the workers") == 3


def test_a_worker_that_computes_otherwise_is_refused(
    make_cluster: Callable[..., Cluster], on: Callable[..., Searched]
) -> None:
    cluster = make_cluster()
    cluster.worker(ATEN_CPU_CAPABILITY="default")
    with pytest.raises(ToolError, match=r"computes otherwise than this machine.*PyTorch .* with (DEFAULT|default)"):
        on(scheduler=cluster.address)


def test_what_is_no_address(on: Callable[..., Searched]) -> None:
    with pytest.raises(UsageError, match="--scheduler 'nowhere' is not the address"):
        on(scheduler="nowhere")
