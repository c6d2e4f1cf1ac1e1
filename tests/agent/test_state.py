from __future__ import annotations

import pytest

from edgekit.agent.state import decode_throttled


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0, []),
        (0x1, ["under-voltage"]),
        (0x50005, ["under-voltage", "throttled", "under-voltage since boot", "throttled since boot"]),
        (0x80000, ["soft temperature limit since boot"]),
    ],
)
def test_throttle_bits_become_words(bits: int, words: list[str]) -> None:
    assert decode_throttled(bits) == words
