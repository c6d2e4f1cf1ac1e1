"""A hub's name given as the model also names the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...base.fetched.hubs import hub_id
from ...errors import UsageError
from ..show.console import say

if TYPE_CHECKING:
    import typer


def weights_of(context: typer.Context, models: Sequence[str], weights: str) -> str:
    """The weights that a command loads: its ``--weights``, else those of the model that a hub's name means.

    Raises:
        UsageError: several models, one of which is named by a hub.
    """
    source = context.get_parameter_source("weights")
    named = [name for name in models if hub_id(name)]
    if not named or source is None or source.name != "DEFAULT":
        return weights
    if len(models) > 1:
        raise UsageError(f"{named[0]} stands for its weights, and other models are named too", "export one at a time")
    say(f"weights: those of {named[0]}")
    return named[0]
