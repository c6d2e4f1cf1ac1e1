from __future__ import annotations

import pytest

from edgekit.types.networks.stacks import Stack, read_stacks, write_stacks


def test_blocks_are_read_as_they_are_written() -> None:
    blocks = (Stack(6, 3, 24, 2, 2), Stack(1, 5, 40, 3, 1, squeeze=True, skip=False))
    assert write_stacks(blocks) == "e6 k3 c24 n2 s2; e1 k5 c40 n3 s1 se noskip"
    assert read_stacks(write_stacks(blocks)) == blocks


@pytest.mark.parametrize(
    "text",
    ["", "e6 k3 c24 n2", "e6 k3 c24 n2 s2 fast", "e6 k3 c24 n2 s2 se se", "e6 e3 k3 c24 n2 s2", "e6 k3 c24 n2 s2;"],
)
def test_what_is_no_block(text: str) -> None:
    with pytest.raises(ValueError, match="a block reads 'e6 k3 c24 n2 s2 se noskip', got"):
        read_stacks(text)


@pytest.mark.parametrize("text", ["e0 k3 c24 n2 s2", "e6 k4 c24 n2 s2", "e6 k3 c24 n2 s3", "e6 k3 c24 n0 s1"])
def test_figures_that_no_layer_can_have(text: str) -> None:
    with pytest.raises(ValueError, match="the kernel is odd, the stride 1 or 2"):
        read_stacks(text)
