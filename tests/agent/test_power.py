from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgekit.agent.power import energy_spent


@given(
    before=st.integers(0, 10**12),
    spent=st.integers(0, 10**12),
    span=st.integers(1, 10**12),
)
def test_a_counter_that_starts_again_loses_nothing(before: int, spent: int, span: int) -> None:
    before, spent = before % span, spent % span
    assert energy_spent(before, (before + spent) % span, span) == spent


def test_a_counter_that_fell_for_no_known_reason_tells_nothing() -> None:
    assert energy_spent(10, 5, None) is None
    assert energy_spent(10, 5, 8) is None
