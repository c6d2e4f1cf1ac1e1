from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgekit.agent.commands.throughput import MOST_STREAMS, Stream, together
from edgekit.agent.protocol import AgentError
from edgekit.errors import ToolError

Ask = Callable[..., dict[str, Any]]


def test_every_stream_works_in_the_window(ask: Ask, runtime: str) -> None:
    value = ask("throughput", runtime, streams=3, duration_s=0.5, warmup_min_s=0.1)
    assert (value["streams"], value["window_s"], len(value["counts"])) == (3, 0.5, 3)
    assert min(value["counts"]) > 0
    assert len(value["samples_ns"]) == sum(value["counts"])
    assert sum(value["samples_ns"]) <= 3 * 0.5e9
    told = {"litert": ("sessions", 3), "onnxruntime": ("sessions", 3), "openvino": ("NUM_STREAMS", 3)}[runtime]
    assert told in value["settings"].items()


@pytest.mark.parametrize("more", [{"streams": 0}, {"streams": MOST_STREAMS + 1}, {"streams": 2, "accelerator": "gpu"}])
def test_what_it_refuses(ask: Ask, more: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match=r"streams must be|on the cpu, not on the gpu"):
        ask("throughput", "onnxruntime", **{"duration_s": 0.1, **more})


def test_a_window_too_short_for_an_inference(ask: Ask) -> None:
    with pytest.raises(ToolError, match=r"no inference ended within 1e-07 s"):
        ask("throughput", "onnxruntime", streams=1, duration_s=1e-7, warmup_min_s=0)


def test_a_stream_that_fails_ends_all() -> None:
    class Broken:
        def run(self) -> None:
            raise ValueError("no")

    with pytest.raises(AgentError, match="ValueError: no"):
        together([Stream(Broken())], 0.1)  # type: ignore[arg-type]
