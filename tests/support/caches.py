"""Caches of the tests' own: no test takes artifacts from the user's cache or leaves any there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.base.folders import boards_folder
from edgekit.base.processes.isolate import PATIENT
from edgekit.base.processes.warm import WARMTH, warm

BOARDS = boards_folder()
"""The user's, found before the tests get caches of their own: an emulated board takes minutes to build."""


def with_boards(cache: Path) -> Path:
    """A new cache that shares the emulated boards with the user's."""
    BOARDS.mkdir(parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    (cache / BOARDS.name).symlink_to(BOARDS, target_is_directory=True)
    return cache


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test takes artifacts from the user's cache or leaves any there; fixtures of a session share one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEKIT_CACHE", str(with_boards(tmp_path_factory.mktemp("cache"))))
        with warm():  # over one export: all that this process makes share their imports
            WARMTH.get((), {**PATIENT, **os.environ})  # which nothing that a test sets in the environment changes
            yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "exported"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a cache of its own, beside its folder."""
    folder = with_boards(tmp_path.with_name(f"{tmp_path.name}-cache"))
    monkeypatch.setenv("EDGEKIT_CACHE", str(folder))
    return folder
