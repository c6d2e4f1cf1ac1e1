from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., dict[str, Any]]


def test_memory_is_of_a_process_that_loaded_the_model(ask: Ask, runtime: str) -> None:
    value = ask("memory", runtime)
    assert 10e6 < value["baseline_rss_bytes"] <= value["peak_rss_bytes"] < 2e9
