"""A pipe or a device in the place of a file is refused at once, whatever reads there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.catalog import read_toml
from edgekit.devices.entries import read_entries
from edgekit.devices.ssh_config import aliases_in
from edgekit.errors import UsageError
from edgekit.forms.known import read_tables
from edgekit.gate.baselines import read_pin
from edgekit.gate.config import read_config
from edgekit.reports.store import load
from edgekit.training.npz_file import npz_file
from edgekit.verify.evaluation_data import Images, from_npz, read_labels
from edgekit.zoo.weights import resolve_weights

ONE = Images("images", array=np.zeros((1, 8, 8, 3), np.uint8))
READERS: list[tuple[str, Callable[[Path], Any]]] = [
    ("card.toml", read_toml),
    ("gate.toml", lambda path: read_config(path, set())),
    ("gate.toml", lambda _: read_config(None, set())),
    ("devices.toml", lambda _: read_entries()),
    ("export_profiles/defaults/x86-vnni.toml", lambda _: list(read_tables("x86-vnni"))),
    ("report.json", load),
    ("manifest.json", lambda path: read_manifest(path.parent)),
    ("baseline.json", lambda path: read_pin(path.parent)),
    ("labels.csv", lambda path: read_labels(path, ONE)),
    ("images.npz", from_npz),
    ("data.npz", npz_file),
]


@pytest.fixture(autouse=True)
def soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever waits for a pipe is woken by an error."""

    def late(*_: object) -> None:
        raise AssertionError("it waited for the pipe")

    monkeypatch.chdir(tmp_path)
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize(("name", "read"), READERS, ids=[f"{i}-{name}" for i, (name, _) in enumerate(READERS)])
def test_a_pipe_is_refused(tmp_path: Path, name: str, read: Callable[[Path], Any], link: bool) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if link:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    else:
        os.mkfifo(path)
    with pytest.raises(UsageError, match=f"{path.name} {'leads to' if link else 'is'} a named pipe") as caught:
        read(path)
    assert caught.value.exit_code == 2


def test_weights_are_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "weights.pth")
    with pytest.raises(UsageError, match="no checkpoint at"):
        resolve_weights(None, "weights.pth")  # type: ignore[arg-type]


def test_a_pipe_in_the_ssh_config_holds_no_aliases(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config")
    assert list(aliases_in(tmp_path / "config", tmp_path, 1)) == []
