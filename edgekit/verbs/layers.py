"""``edgekit models show --layers``: what every layer of a network costs."""

from __future__ import annotations

from dataclasses import dataclass

from ..types import ModelCard


@dataclass(frozen=True)
class LayerRow:
    """One layer, or the total; see :class:`edgekit.zoo.complexity.LayerCost`."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    params: int
    macs: int
    activations: int
    memory_access: int
    intensity: float


def layer_rows(card: ModelCard) -> tuple[list[LayerRow], LayerRow]:
    """The card's layers in the order of execution, and their total; shapes only, no arithmetic.

    Raises:
        UsageError: the card's architecture does not fit its family.
    """
    import torch

    from ..zoo.complexity import LayerCost, layer_costs, total_cost
    from ..zoo.registry import create

    def row(cost: LayerCost) -> LayerRow:
        return LayerRow(
            cost.name,
            cost.kind,
            cost.output_shape,
            cost.params,
            cost.macs,
            cost.activations,
            cost.memory_access,
            round(cost.intensity, 2),
        )

    with torch.device("meta"):
        network = create(card)
    costs = layer_costs(network, (1, *card.input_shape))
    return [row(cost) for cost in costs], row(total_cost(costs))
