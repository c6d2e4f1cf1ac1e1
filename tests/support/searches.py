"""A search that takes seconds: a small network, images of stripes, and a cost that needs no device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from edgekit.verbs.search.pricing import Cost, Price
    from edgekit.verbs.search.search import SearchOptions


@pytest.fixture
def small_mnasnet(tmp_path: Path) -> Path:
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
def search_options(stripes: Path, tmp_path: Path) -> SearchOptions:
    """Four networks on 60 images of stripes."""
    from edgekit.verbs.search.search import SearchOptions

    return SearchOptions(
        data=str(stripes), device="sim-rpi4", trials=4, images=60, judge=40, epochs=1, batch=8, out=tmp_path / "found"
    )


@pytest.fixture
def by_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A millisecond costs a million multiply-accumulates."""
    from edgekit.verbs.search import search as module

    @contextmanager
    def pricing(*_: Any, **__: Any) -> Iterator[Price]:
        yield macs_as_ms

    monkeypatch.setattr(module, "pricing", pricing)


def macs_as_ms(card: Any, _path: Path) -> Cost:
    """The cost of a network by its multiply-accumulates."""
    from edgekit.verbs.search.pricing import Cost
    from edgekit.zoo.complexity import layer_costs, total_cost
    from edgekit.zoo.registry import create
    from edgekit.zoo.shapes_only import shapes_only

    with shapes_only():
        return Cost(total_cost(layer_costs(create(card), (1, *card.input_shape))).macs / 1e6, "counted")
