"""OpenVINO's execution graph names the one element type of all outputs of a split once."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.agent.commands.inspect_openvino import output_types


class Executed:
    """A node of an execution graph."""

    def __init__(self, precisions: str, outputs: int) -> None:
        self.facts = {"outputPrecisions": precisions}
        self.outputs = outputs

    def get_rt_info(self) -> dict[str, Any]:
        return self.facts

    def get_output_size(self) -> int:
        return self.outputs


@pytest.mark.parametrize(
    ("precisions", "outputs", "expected"),
    [
        ("f32", 1, ["float32"]),
        ("f32", 2, ["float32", "float32"]),  # as a VariadicSplit of ShuffleNet V2 has it
        ("f32,i64", 2, ["float32", "int64"]),
    ],
)
def test_every_output_has_a_type(precisions: str, outputs: int, expected: list[str]) -> None:
    assert output_types(Executed(precisions, outputs)) == expected
