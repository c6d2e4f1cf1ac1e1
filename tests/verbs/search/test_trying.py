"""Several networks at the same time, and what may not be done at the same time."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.progress import silent
from edgekit.catalog import find_card
from edgekit.errors import ToolError, UsageError
from edgekit.training.proxy import judged_apart
from edgekit.training.recipes import RECIPES, with_changes
from edgekit.training.sources import load_data
from edgekit.verbs.search import search as module
from edgekit.verbs.search.images_file import images_file
from edgekit.verbs.search.pricing import Order, order_of
from edgekit.verbs.search.search import Searched, SearchOptions, search
from edgekit.verbs.search.study import SEARCHER, kept_settings, tried_in
from edgekit.verbs.search.trainers import Here, Schooling
from edgekit.verbs.search.trying import ALIKE
from tests.support.searches import macs_as_ms

pytest.importorskip("optuna")


def alone(found: Searched, options: SearchOptions) -> dict[int, tuple[int, int]]:
    """How many images each network of a search gets right when it is trained again, alone."""
    recipe = with_changes(RECIPES["small"], epochs=options.epochs, batch=options.batch, lr=options.lr, seed=0)
    reference = find_card(str(found.folder / "cards" / "small_s000.toml"))
    data = judged_apart(load_data(options.data, reference.preprocessing), options.images, options.judge, options.seed)
    with images_file(data) as images:
        here = Here(Schooling(recipe, options.seed, images), 1)
        scores = {
            one.number: here.train(find_card(str(found.folder / "cards" / one.card)))
            for one in found.tried
            if one.state == "trained"
        }
    return {number: (score.right, score.images) for number, score in scores.items()}


def test_side_by_side_each_network_comes_out_as_alone(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions, heard: Any
) -> None:
    found = search(str(small_mnasnet), replace(search_options, jobs=3, limit="soft"), heard)
    assert [one.number for one in found.tried] == [0, 1, 2, 3]
    assert {one.state for one in found.tried} == {"trained"}
    assert alone(found, search_options) == {one.number: (one.right, one.images) for one in found.tried}
    assert any("3 trainings at a time, counting beside them" in str(event) for event in heard.events)


class Watching:
    """Trains as :class:`Here` does, and knows how many trainings run."""

    def __init__(self, here: Here) -> None:
        self.here, self.slots = here, here.slots
        self.lock, self.running, self.most = threading.Lock(), 0, 0

    def train(self, card: Any) -> Any:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(1)  # longer than a latency takes
        try:
            return self.here.train(card)
        finally:
            with self.lock:
                self.running -= 1

    def stop(self) -> None:
        self.here.stop()


@pytest.mark.parametrize(("order", "beside"), [("quiet", False), ("in turn", True)])
def test_nothing_is_trained_while_this_machine_is_measured(
    by_macs: None,
    small_mnasnet: Path,
    search_options: SearchOptions,
    monkeypatch: pytest.MonkeyPatch,
    order: Order,
    beside: bool,
) -> None:
    seen: list[int] = []
    watched: list[Watching] = []
    plain = module.Trying

    def trying(*given: Any) -> Any:
        *others, trainer, progress, guessed = given
        watched.append(Watching(trainer))

        def price(card: Any, path: Path) -> Any:
            for _ in range(30):  # long enough for a training to be under way, and short ones are seen too
                seen.append(watched[0].running)
                time.sleep(0.01)
            return macs_as_ms(card, path)

        others[3:5] = [price, order]
        return plain(*others, watched[0], progress, guessed)

    monkeypatch.setattr(module, "Trying", trying)
    found = search(str(small_mnasnet), replace(search_options, jobs=2, limit="soft", trials=5))
    assert [one.state for one in found.tried] == ["trained"] * 5
    assert watched[0].most == 2
    assert any(seen) is beside


def test_when_a_device_may_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devices.toml").write_text(
        '[board]\ntransport = "ssh"\naddress = "192.0.2.7"\n[loop]\ntransport = "ssh"\naddress = "127.0.0.1"\n'
    )
    orders = {name: order_of(name, 1) for name in ("sim-rpi4", "local", "board", "loop")}
    assert orders == {"sim-rpi4": "side by side", "local": "quiet", "board": "in turn", "loop": "quiet"}
    assert order_of("sim-rpi4", 2) == "quiet"  # threads that wait for each other: the count is not fixed


def test_a_fault_that_is_not_the_networks_stops_the_search(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that has gone would use up every network."""
    search(str(small_mnasnet), replace(search_options, trials=1))
    plain = module.Trying

    def gone(card: Any, _path: Path) -> Any:
        raise ToolError(f"measuring {card.id}: the board does not answer")

    monkeypatch.setattr(module, "Trying", lambda *given: plain(*given[:3], gone, *given[4:]))
    with pytest.raises(ToolError, match=f"{ALIKE} networks in a row failed alike, the last with: .*does not answer"):
        search(str(small_mnasnet), replace(search_options, trials=20))
    assert [one.state for one in tried_in(search_options.out)] == ["trained", *["failed"] * ALIKE]


def begin(card: Path, options: SearchOptions) -> subprocess.Popen[bytes]:
    """The same search in a process of its own; two networks at a time, measured here."""
    words = ["search", str(card), "--data", options.data, "--device", "local", "--profile", "onnx-fp32"]
    words += ["--trials", "4", "--images", "60", "--judge", "40", "--epochs", "500", "--batch", "8", "--jobs", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "edgekit", *words, "--target-ms", "100", "--out", str(options.out)],
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_what_a_killed_process_had_open_is_tried_again_under_its_number(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = search_options.out / "journal.log"
    with begin(small_mnasnet, search_options) as process:
        deadline = time.monotonic() + 240
        while not (journal.is_file() and journal.read_text().count(f'"{SEARCHER}"') >= 2):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert tried_in(search_options.out) == []
    before = kept_settings(search_options.out)
    assert before is not None
    monkeypatch.setattr(module, "settings_of", lambda *_: before)  # the same search, with the costs of this test
    found = search(str(small_mnasnet), replace(search_options, jobs=2, target_ms=100))
    assert [(one.number, one.state) for one in found.tried] == [(number, "trained") for number in range(4)]
    assert found.reference == found.tried[0]
    assert list((search_options.out / "searchers").iterdir()) == []


@pytest.mark.slow
def test_two_processes_do_not_disturb_each_others_measurements(
    small_mnasnet: Path, search_options: SearchOptions
) -> None:
    with begin(small_mnasnet, search_options) as process:
        try:
            deadline = time.monotonic() + 240
            while not list(search_options.out.glob("searchers/*.lock")):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            with pytest.raises(UsageError, match=r"another process searches in .* would disturb what is measured here"):
                search(str(small_mnasnet), replace(search_options, device="local", target_ms=100), silent)
        finally:
            process.kill()
