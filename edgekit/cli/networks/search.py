"""``edgekit search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from ..shared.complete import device_names, model_ids, profile_names
from ..shared.limits import LARGEST, LARGEST_BATCH, LARGEST_SEED, MOST_IMAGES, MOST_RUNS
from ..shared.options import ForceOption, JsonOption, ThreadsOption
from ..shared.torch_needed import torch_needed
from ..show.console import emit_json, say, tell
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...types.networks.searches import Tried
    from ...verbs.search.search import Searched


def search_command(
    model: Annotated[
        str,
        typer.Argument(
            help="Model id, alias or card: the network around which is searched.",
            metavar="MODEL",
            autocompletion=model_ids,
        ),
    ],
    data: Annotated[
        str, typer.Option("--data", help="Training data: fashion-mnist, fashion-mnist:DIR, a folder or a .npz file.")
    ],
    device: Annotated[
        str,
        typer.Option(
            "--device", "-d", help="Where the latency is from; a simulated board counts.", autocompletion=device_names
        ),
    ] = "local",
    space: Annotated[
        str | None,
        typer.Option("--space", help="blocks: MnasNet's; width: width and resolution. [default: blocks for a MnasNet]"),
    ] = None,
    trials: Annotated[
        int, typer.Option("--trials", min=1, max=MOST_RUNS, help="Networks in all, the reference among them.")
    ] = 24,
    target_ms: Annotated[
        float | None,
        typer.Option("--target-ms", min=1e-6, max=LARGEST, help="Latency to aim at. [default: the reference's own]"),
    ] = None,
    limit: Annotated[
        str, typer.Option("--limit", help="hard: beyond the target it counts less; soft: it is traded.")
    ] = "hard",
    profile: Annotated[
        str, typer.Option("--profile", help="How the artifacts are made.", autocompletion=profile_names)
    ] = "tflite-fp32",
    threads: ThreadsOption = 1,
    images: Annotated[
        int, typer.Option("--images", min=2, max=MOST_IMAGES, help="Training images to train each network on.")
    ] = 4000,
    judge: Annotated[
        int, typer.Option("--judge", min=2, max=MOST_IMAGES, help="Other training images to judge it by.")
    ] = 2000,
    epochs: Annotated[int, typer.Option("--epochs", min=1, max=MOST_RUNS, help="Epochs of each training.")] = 2,
    batch: Annotated[int | None, typer.Option("--batch", min=2, max=LARGEST_BATCH, help="Images per step.")] = None,
    lr: Annotated[
        float | None, typer.Option("--lr", min=0, max=LARGEST, help="Initial learning rate; it falls along a cosine.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of the search, the weights and the images.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the search. [default: runs/search/MODEL/DEVICE]")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Train this many networks at the same time, on a thread each.")
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", help="Train on the Dask cluster at this address (tcp://HOST:8786)."),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Search for a network that is more often right at the same latency on a device: small, and honest about it.

    Every network is exported and measured on the device (or counted on a simulated board), then trained for a short
    while; MnasNet's reward joins both. The same command goes on with a search that was stopped. Several trainings may
    run at once (--jobs, --scheduler); their outcome depends on neither. While this machine is measured none runs.
    search.html shows the front, cards/ has every network as a card for edgekit train.

    The accuracy is a proxy: train the best and the reference alike before you believe that it is better.

    Example: edgekit search mnasnet_small --data fashion-mnist --device sim-rpi4
    """
    torch_needed("search")
    from ...errors import UsageError, did_you_mean
    from ...verbs.search.search import SearchOptions, search
    from ...verbs.search.trying import PAGE

    for option, value, known in (("--space", space, ("blocks", "width")), ("--limit", limit, ("hard", "soft"))):
        if value is not None and value not in known:
            raise UsageError(f"{option} is {' or '.join(known)}, got {value!r}", did_you_mean(value, known))
    if scheduler is not None and jobs > 1:
        raise UsageError("--jobs and --scheduler contradict each other", "the cluster's workers decide how many run")
    options = SearchOptions(
        data=data,
        device=device,
        profile=profile,
        threads=threads,
        space=cast("Literal['blocks', 'width'] | None", space),
        target_ms=target_ms,
        limit=cast("Literal['soft', 'hard']", limit),
        trials=trials,
        images=images,
        judge=judge,
        epochs=epochs,
        batch=batch,
        lr=lr,
        seed=seed,
        out=out,
        jobs=jobs,
        scheduler=scheduler,
        force=force,
    )
    found = search(model, options, ProgressLines())
    if as_json:
        emit_json(as_data(found))
        return
    show(found, data)
    say(f"page: {found.folder / PAGE}")


def show(found: Searched, data: str) -> None:
    """The front on stdout, the choice, and what to do with it."""
    from ...reports.search_page import HEADINGS, cells
    from ...types.networks.searches import on_front
    from ...verbs.search.trying import CARDS
    from ..show.tables import print_table

    front = on_front(list(found.tried))
    if front:
        print_table(HEADINGS, [cells(one) for one in front], numbers=HEADINGS[1:])
    best, reference = found.best, found.reference
    if best is None:
        say("no network was trained")
        return
    tell(f"best: network {best.number}, {described(best)}")
    if best.number and reference is not None and reference.accuracy is not None:
        tell(f"the reference: {described(reference)}")
    if best.number == 0:
        say("nothing better than the reference was found: more --trials, or another --seed")
        return
    say("a proxy accuracy of a short training, and the best of many tries looks better than it is; train both alike:")
    say(f"  edgekit train {found.folder / CARDS / best.card} --data {data}")
    if reference is not None:
        say(f"  edgekit train {found.folder / CARDS / reference.card} --data {data}")


def described(one: Tried) -> str:
    """A trained network in a line."""
    return f"{one.cost_ms:.3g} ms {one.cost_kind}, {one.accuracy:.1f} % right ({one.right} of {one.images})"


def as_data(found: Searched) -> dict[str, Any]:
    """The search for programs."""
    from ...types.networks.searches import on_front

    best = found.best
    return {
        "folder": str(found.folder),
        "settings": found.settings.to_plain(),
        "best": None if best is None else best.number,
        "front": [one.number for one in on_front(list(found.tried))],
        "tried": [{**one.to_plain(), "accuracy": one.accuracy} for one in found.tried],
    }
