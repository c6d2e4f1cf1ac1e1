from __future__ import annotations

from typing import Any

import pytest

from edgekit.agent.cores import chosen_cores
from edgekit.agent.protocol import AgentError

HYBRID = {0: 1024, 1: 1010, 2: 446, 3: 446, 4: 700}


@pytest.mark.parametrize(
    ("wanted", "strength", "expected"),
    [
        ("big", HYBRID, [0, 1]),
        ("little", HYBRID, [2, 3]),
        ("little", {0: 1000, 1: 950, 2: 880, 3: 890, 4: 1000}, [2, 3]),
        ("big", dict.fromkeys(range(5), 5), [0, 1, 2, 3, 4]),
        ([4, 1, 1], {}, [1, 4]),
    ],
)
def test_which_cores_are_meant(wanted: Any, strength: dict[int, int], expected: list[int]) -> None:
    assert chosen_cores(wanted, range(5), strength) == expected


@pytest.mark.parametrize("wanted", ["huge", [], [True], 3, {"a": 1}])
def test_cores_that_mean_nothing(wanted: Any) -> None:
    with pytest.raises(AgentError, match="cores must be big, little or a list of numbers"):
        chosen_cores(wanted, range(4), HYBRID)
