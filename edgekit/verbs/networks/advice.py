"""What would make a network faster, by ShuffleNet V2's guidelines, in a line each."""

from __future__ import annotations

from ...select.guidelines import advise
from .facts import facts_of_card


def advice_for(model: str) -> list[str]:
    """A line per guideline about the network of a card; shapes only, no arithmetic.

    Raises:
        UsageError: no such card, or its architecture does not fit its family.
    """
    return [f"{one.guideline}: {one.text}" for one in advise(facts_of_card(model)[1])]
