"""``edgekit models show --layers``: what every layer of a network costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import ModelCard

if TYPE_CHECKING:
    from ...zoo.complexity import LayerCost


def layer_rows(card: ModelCard) -> tuple[list[LayerCost], LayerCost]:
    """The card's layers in the order of execution, and their total; shapes only, no arithmetic.

    Raises:
        UsageError: the card's architecture does not fit its family.
    """
    from ...zoo.complexity import layer_costs, total_cost
    from ...zoo.registry import create
    from ...zoo.shapes_only import shapes_only

    with shapes_only():
        network = create(card)
    costs = layer_costs(network, (1, *card.input_shape))
    return costs, total_cost(costs)
