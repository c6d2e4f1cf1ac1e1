from __future__ import annotations

import pytest

from edgekit.agent.protocol import AgentError
from edgekit.agent.runtimes.tensors import fixed_shape


def test_only_the_batch_may_be_open() -> None:
    assert fixed_shape("x", ["N", 3, 8, 8], 2) == [2, 3, 8, 8]
    with pytest.raises(AgentError, match=r"shape of input 'x' is open: \[1, 3, 'h', 'w'\]"):
        fixed_shape("x", [1, 3, "h", "w"], 1)
