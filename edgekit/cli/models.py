"""``edgekit models list | show``."""

from __future__ import annotations

from typing import Annotated

import typer

from .shared.complete import model_ids
from .shared.grouped import GroupedCommand
from .shared.options import JsonOption
from .show.console import emit_json, tell

models_app = typer.Typer(no_args_is_help=True, help="The networks that edgekit builds.")


@models_app.command("list", cls=GroupedCommand)
def list_command(
    family: Annotated[str | None, typer.Option("--family", help="Only this family.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List every network: parameters, MACs, input, published accuracy."""
    from ..catalog import cards
    from ..errors import UsageError, did_you_mean
    from .show.models import models_table

    chosen = list(cards().values())
    if family is not None:
        families = {card.family for card in chosen}
        if family not in families:
            raise UsageError(f"unknown family {family!r}", did_you_mean(family, families))
        chosen = [card for card in chosen if card.family == family]
    if as_json:
        emit_json([card.to_plain() for card in chosen])
    else:
        models_table(chosen)


@models_app.command("show", cls=GroupedCommand)
def show_command(
    model: Annotated[str, typer.Argument(help="Id, alias or path to a card.", autocompletion=model_ids)],
    layers: Annotated[
        bool, typer.Option("--layers", help="Also every layer: shape, parameters, MACs, memory access. Needs PyTorch.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one network: size, input, published accuracy, weights, licence, paper.

    Example: edgekit models show shufflenet_v2 --layers
    """
    from ..catalog import find_card
    from .show.models import model_details

    card = find_card(model)
    plain = card.to_plain()
    if not layers:
        emit_json(plain) if as_json else tell(model_details(card))
        return
    from .shared.torch_needed import torch_needed
    from .show.layers import layer_table
    from .show.layers import plain as plain_row

    torch_needed("--layers")
    from ..verbs.networks.layers import layer_rows

    rows, total = layer_rows(card)
    if as_json:
        emit_json({**plain, "layers": [plain_row(row) for row in rows], "total": plain_row(total)})
    else:
        tell(model_details(card))
        layer_table(rows, total)
