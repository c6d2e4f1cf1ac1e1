"""What would make a network faster, by ShuffleNet V2's guidelines."""

from __future__ import annotations

from ...catalog import find_card
from ...select.guidelines import advise


def advice_for(model: str) -> list[str]:
    """A line per guideline about the network of a card; shapes only, no arithmetic.

    Raises:
        UsageError: no such card, or its architecture does not fit its family.
    """
    import torch

    from ...zoo.facts import network_facts
    from ...zoo.registry import create

    card = find_card(model)
    with torch.device("meta"):
        network = create(card).eval()
    facts = network_facts(network, (1, *card.input_shape))
    return [f"{one.guideline}: {one.text}" for one in advise(facts)]
