"""A search with short trainings; the cost of a network is its MACs where no device is needed to show something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.bench.session import Limits
from edgekit.catalog import find_card
from edgekit.errors import NotComparableError, ToolError, UsageError
from edgekit.verbs.search import search as module
from edgekit.verbs.search.pricing import Cost, Price
from edgekit.verbs.search.search import PAGE, SearchOptions, search
from edgekit.verbs.search.study import JOURNAL, kept_settings
from edgekit.zoo.complexity import layer_costs, total_cost
from edgekit.zoo.registry import create
from edgekit.zoo.shapes_only import shapes_only

pytest.importorskip("optuna")
BRIEF = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=20, min_s=0.01, max_s=0.2)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A small MnasNet around which is searched."""
    path = tmp_path / "small.toml"
    path.write_text(
        """
id = "small"
family = "mnasnet"
title = "small"
num_classes = 3
input_shape = [3, 16, 16]
[architecture]
version = "blocks"
blocks = "e3 k3 c8 n1 s2; e3 k3 c16 n2 s1 se"
stem = 8
first = 8
last = 32
[preprocessing]
resize = 16
crop = 16
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
"""
    )
    return path


@pytest.fixture
def options(stripes: Path, tmp_path: Path) -> SearchOptions:
    return SearchOptions(
        data=str(stripes), device="sim-rpi4", trials=4, images=60, judge=40, epochs=1, batch=8, out=tmp_path / "found"
    )


@pytest.fixture
def by_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A millisecond costs a million multiply-accumulates."""

    @contextmanager
    def pricing(*_: Any, **__: Any) -> Iterator[Price]:
        def price(card: Any, _path: Path) -> Cost:
            with shapes_only():
                return Cost(total_cost(layer_costs(create(card), (1, *card.input_shape))).macs / 1e6, "counted")

        yield price

    monkeypatch.setattr(module, "pricing", pricing)


def test_a_search_keeps_its_cards_and_goes_on(by_macs: None, card: Path, options: SearchOptions, heard: Any) -> None:
    first = search(str(card), options, heard)
    assert [one.number for one in first.tried] == [0, 1, 2, 3]
    assert first.tried[0].state == "trained"
    assert first.tried[0].cost_ms == first.settings.target
    assert first.best is not None
    assert first.best.reward == max(one.reward for one in first.tried)
    for one in first.tried:
        made = find_card(str(first.folder / "cards" / one.card))
        assert one.state == "failed" or create(made) is not None
    assert "small_s000" in (first.folder / PAGE).read_text()
    again = search(str(card), replace(options, trials=6), heard)
    assert again.tried[:4] == first.tried
    assert [one.number for one in again.tried] == [0, 1, 2, 3, 4, 5]
    assert search(str(card), replace(options, trials=3), heard).tried == again.tried  # there are as many already
    settings = kept_settings(first.folder)
    assert settings == first.settings


def test_what_is_far_too_slow_is_not_trained_under_a_hard_limit(
    by_macs: None, card: Path, options: SearchOptions
) -> None:
    found = search(str(card), replace(options, target_ms=1e-4))
    assert found.tried[0].state == "trained"
    assert {one.state for one in found.tried[1:]} == {"too slow"}
    assert {one.reward for one in found.tried[1:]} == {0.0}
    soft = search(str(card), replace(options, target_ms=1e-4, limit="soft", trials=2, out=options.out / "soft"))
    assert [one.state for one in soft.tried] == ["trained", "trained"]


def test_another_search_in_the_folder_is_refused(by_macs: None, card: Path, options: SearchOptions) -> None:
    search(str(card), replace(options, trials=1))
    with pytest.raises(UsageError, match="holds a search with epochs 1, not 2"):
        search(str(card), replace(options, epochs=2))
    with pytest.raises(UsageError, match="holds a search with seed 0, not 5"):
        search(str(card), replace(options, seed=5))


def test_a_reference_that_cannot_be_trained_ends_the_search(by_macs: None, card: Path, options: SearchOptions) -> None:
    with pytest.raises(UsageError, match=r"the reference small cannot be tried: the loss is"):
        search(str(card), replace(options, lr=1e30, epochs=3))


def test_an_emulated_device_is_refused(card: Path, options: SearchOptions) -> None:
    with pytest.raises(NotComparableError, match="virtual-rpi4 is emulated") as caught:
        search(str(card), replace(options, device="virtual-rpi4"))
    assert "--device sim-" in caught.value.hint


def test_without_optuna_it_is_said_how_to_get_it(
    by_macs: None, card: Path, options: SearchOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ToolError, match="a search needs Optuna") as caught:
        search(str(card), options)
    assert "[search]" in caught.value.hint
    assert not (options.out / JOURNAL).exists()


def test_networks_are_exported_and_measured_on_a_device(card: Path, options: SearchOptions) -> None:
    found = search(str(card), replace(options, device="local", profile="onnx-fp32", trials=1, measuring=BRIEF))
    (one,) = found.tried
    assert (one.state, one.cost_kind) == ("trained", "measured")
    assert one.cost_ms is not None
    assert (found.folder / "artifacts" / "small_s000" / "onnx-fp32" / "manifest.json").is_file()
