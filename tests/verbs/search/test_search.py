"""A search with short trainings; the cost of a network is its MACs where no device is needed to show something."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgekit.bench.session import Limits
from edgekit.catalog import find_card
from edgekit.errors import NotComparableError, ToolError, UsageError
from edgekit.verbs.search.search import SearchOptions, search
from edgekit.verbs.search.study import JOURNAL, kept_settings
from edgekit.verbs.search.trying import PAGE
from edgekit.zoo.registry import create

pytest.importorskip("optuna")
BRIEF = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=20, min_s=0.01, max_s=0.2)


def test_a_search_keeps_its_cards_and_goes_on(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions, heard: Any
) -> None:
    first = search(str(small_mnasnet), search_options, heard)
    assert [one.number for one in first.tried] == [0, 1, 2, 3]
    assert first.tried[0].state == "trained"
    assert first.tried[0].cost_ms == first.settings.target
    assert first.best is not None
    assert first.best.reward == max(one.reward for one in first.tried)
    for one in first.tried:
        made = find_card(str(first.folder / "cards" / one.card))
        assert one.state == "failed" or create(made) is not None
    assert "small_s000" in (first.folder / PAGE).read_text()
    again = search(str(small_mnasnet), replace(search_options, trials=6), heard)
    assert again.tried[:4] == first.tried
    assert [one.number for one in again.tried] == [0, 1, 2, 3, 4, 5]
    assert (
        search(str(small_mnasnet), replace(search_options, trials=3), heard).tried == again.tried
    )  # there are as many already
    settings = kept_settings(first.folder)
    assert settings == first.settings


def test_what_is_far_too_slow_is_not_trained_under_a_hard_limit(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions
) -> None:
    found = search(str(small_mnasnet), replace(search_options, target_ms=1e-4))
    assert found.tried[0].state == "trained"
    assert {one.state for one in found.tried[1:]} == {"too slow"}
    assert {one.reward for one in found.tried[1:]} == {0.0}
    soft = search(
        str(small_mnasnet),
        replace(search_options, target_ms=1e-4, limit="soft", trials=2, out=search_options.out / "soft"),
    )
    assert [one.state for one in soft.tried] == ["trained", "trained"]


def test_another_search_in_the_folder_is_refused(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions
) -> None:
    search(str(small_mnasnet), replace(search_options, trials=1))
    with pytest.raises(UsageError, match="holds a search with epochs 1, not 2"):
        search(str(small_mnasnet), replace(search_options, epochs=2))
    with pytest.raises(UsageError, match="holds a search with seed 0, not 5"):
        search(str(small_mnasnet), replace(search_options, seed=5))


def test_a_reference_that_cannot_be_trained_ends_the_search(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions
) -> None:
    with pytest.raises(UsageError, match=r"the reference small cannot be tried: the loss is"):
        search(str(small_mnasnet), replace(search_options, lr=1e30, epochs=3))


def test_an_emulated_device_is_refused(small_mnasnet: Path, search_options: SearchOptions) -> None:
    with pytest.raises(NotComparableError, match="virtual-rpi4 is emulated") as caught:
        search(str(small_mnasnet), replace(search_options, device="virtual-rpi4"))
    assert "--device sim-" in caught.value.hint


def test_without_optuna_it_is_said_how_to_get_it(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ToolError, match="a search needs Optuna") as caught:
        search(str(small_mnasnet), search_options)
    assert "[search]" in caught.value.hint
    assert not (search_options.out / JOURNAL).exists()


def test_networks_are_exported_and_measured_on_a_device(small_mnasnet: Path, search_options: SearchOptions) -> None:
    found = search(
        str(small_mnasnet), replace(search_options, device="local", profile="onnx-fp32", trials=1, measuring=BRIEF)
    )
    (one,) = found.tried
    assert (one.state, one.cost_kind) == ("trained", "measured")
    assert one.cost_ms is not None
    assert (found.folder / "artifacts" / "small_s000" / "onnx-fp32" / "manifest.json").is_file()


def test_a_folder_of_grey_images_of_other_classes_and_size(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions, heard: Any, tmp_path: Path
) -> None:
    """The networks get the data's classes; what happens to its images is said."""
    for shade, name in ((60, "dark"), (200, "light")):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for number in range(20):
            Image.new("L", (7, 7), shade + number).save(folder / f"{number}.png")
    options = replace(search_options, data=str(tmp_path / "photos"), images=20, judge=10, trials=2)
    found = search(str(small_mnasnet), options, heard)
    assert {find_card(str(found.folder / "cards" / one.card)).num_classes for one in found.tried} == {2}
    assert found.tried[0].images == 10
    told = " ".join(heard.lines)
    assert "photos has 2 classes, and so have the networks; small has others" in told
    assert "images of 7 x 7 are enlarged to the network's 16 x 16" in told
    assert "one image in 10 of every class is held out" in told


def test_what_is_no_better_than_guessing_is_said(
    by_macs: None, small_mnasnet: Path, search_options: SearchOptions, heard: Any
) -> None:
    """One step of training leaves a network that knows nothing; its rank is chance."""
    found = search(str(small_mnasnet), replace(search_options, trials=1, images=2, batch=2, lr=1e-6), heard)
    assert any("what was found is chance" in line for line in heard.lines)
    assert "found is chance" in (found.folder / "search.html").read_text()
