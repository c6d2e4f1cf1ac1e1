"""What a network's operations move and compute: of a card by shapes alone, of a user's code in a child process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...artifacts.children import own_jobs
from ...artifacts.children.imports import NETWORK
from ...artifacts.own.requests import FactsRequest, Sized
from ...artifacts.store import artifact_folders, read_manifest
from ...base.absent import is_absent_file, no_file
from ...base.inside import inside
from ...base.processes.isolate import run_isolated
from ...base.progress import Progress, Warned
from ...catalog import find_card
from ...errors import UsageError
from ...types import ModelCard, NetworkFacts
from ...types.base import is_name
from ...types.commands import is_own
from ..export_own import source_of

TIMEOUT_S = 300.0
ARTIFACTS = Path("artifacts")


def facts_of_card(model: str) -> tuple[str, NetworkFacts]:
    """The id of a card, and the facts of its network; shapes only, no arithmetic.

    Raises:
        UsageError: no such card, or its architecture does not fit its family.
    """
    from ...zoo.facts import network_facts
    from ...zoo.registry import create
    from ...zoo.shapes_only import shapes_only

    card = card_of(model)
    with shapes_only():
        network = create(card).eval()
    return card.id, network_facts(network, (1, *card.input_shape))


def card_of(name: str) -> ModelCard:
    """A card by its id or file, or the one that artifacts of this name carry.

    Raises:
        UsageError: there is none.
    """
    try:
        return find_card(name)
    except UsageError:
        folders = artifact_folders(inside(ARTIFACTS, name, field="the model's id")) if is_name(name) else []
        carried = [card for folder in folders if (card := read_manifest(folder).artifact.card) is not None]
        if not carried:
            raise
        return carried[0]


def facts_of_code(name: str, inputs: Sequence[Sized], progress: Progress) -> tuple[str, NetworkFacts]:
    """The name of a user's network as its artifacts have it, and its facts; its code runs in a child process.

    Raises:
        UsageError: an ONNX file, or the code fails, or has no convolution.
        ToolError: PyTorch is not installed, or the child crashed.
    """
    if name.lower().endswith(".onnx"):
        if is_absent_file(name):
            raise no_file(name)
        raise UsageError(f"{name}: the guidelines are about a network in PyTorch", "give its code, or a model id")
    title, source = source_of(name)
    progress(Warned(f"running the code of {name}, in a process of its own", (title,)))
    request = FactsRequest(source=source, asked=tuple(inputs))
    return title, run_isolated(own_jobs.facts, request, TIMEOUT_S, f"looking into {name}", imports=NETWORK)


def facts_of(name: str, inputs: Sequence[Sized], progress: Progress) -> tuple[str, NetworkFacts]:
    """The facts of a model id, a card file, or code.

    Raises:
        UsageError: neither, or what the two above refuse.
    """
    if is_own(name):
        title, facts = facts_of_code(name, inputs, progress)
    elif inputs:
        raise UsageError("--input is for networks of your own code", "a model of the zoo has its card's input")
    else:
        title, facts = facts_of_card(name)
    if not facts.convolutions:
        raise UsageError(f"{name} has no two-dimensional convolution, which the guidelines are about")
    return title, facts
