"""The table of ``edgekit models show --layers``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...zoo.complexity import LayerCost

NUMBERS = ("params", "MACs", "activations", "memory access", "MACs/access")
LEGEND = (
    "Elements, not bytes, of one image. MACs: multiply-accumulates (1 MAC = 2 FLOPs). memory access: input + output + "
    "weight (the MAC of ShuffleNet V2, arXiv:1807.11164). BN: folded before it runs, so only its parameters count."
)


def layer_table(rows: Sequence[LayerCost], total: LayerCost) -> None:
    """Print the layers and their total on stdout."""
    from .screen import on_stdout
    from .tables import print_table

    told = [(row.name, row.kind, " x ".join(map(str, row.output_shape)), *numbers(row)) for row in rows]
    console = on_stdout()
    print_table(
        ("layer", "type", "output (C, H, W)", *NUMBERS),
        [*told, (total.name, "", "", *numbers(total))],
        numbers=NUMBERS,
        spare=("type", "output (C, H, W)", "MACs/access", "activations"),
        screen=console,
        most=len(told) + 1,
    )
    console.print(LEGEND, highlight=False)


def numbers(row: LayerCost) -> tuple[str, ...]:
    """The figures of a row as text."""
    counts = (row.params, row.macs, row.activations, row.memory_access)
    return (*(f"{count:,}" for count in counts), f"{row.intensity:.1f}")


def plain(row: LayerCost) -> dict[str, object]:
    """A row for ``--json``."""
    return {**vars(row), "intensity": round(row.intensity, 2)}
