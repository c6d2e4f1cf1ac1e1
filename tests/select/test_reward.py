from __future__ import annotations

import pytest

from edgekit.select.reward import reward


def test_a_hard_limit_is_no_matter_within_and_halves_at_twice_the_target() -> None:
    assert reward(80.0, 1.0, 10.0, "hard") == reward(80.0, 10.0, 10.0, "hard") == 80.0
    assert reward(80.0, 20.0, 10.0, "hard") == pytest.approx(40.0)


def test_a_soft_limit_trades_five_percent_of_accuracy_for_twice_the_latency() -> None:
    """The paper's own reason for w = -0.07: doubling the latency brings about 5 % relative accuracy."""
    assert reward(80.0, 10.0, 10.0, "soft") == 80.0
    assert reward(80.0 * 1.05, 20.0, 10.0, "soft") == pytest.approx(80.0, rel=0.001)
    assert reward(80.0, 5.0, 10.0, "soft") > 80.0
