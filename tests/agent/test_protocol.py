"""Names of strangers' files in the agent's answers."""

from __future__ import annotations

import sys

from edgekit.agent.protocol import legible
from edgekit.base.clean import UNSAFE


def test_no_character_is_left_that_the_host_refuses() -> None:
    for code in range(sys.maxunicode + 1):
        assert not UNSAFE.search(legible(chr(code)))


def test_names_stay_what_they_are() -> None:
    for name in ("conv1/Relu:0", "/model.0/conv (fused)_nchwc", "caf\xe9", "\u4e2d\u6587", ""):
        assert legible(name) == name
    assert legible("a\tb\x1b[31m") == r"a\tb\x1b[31m"
