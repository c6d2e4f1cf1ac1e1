"""``edgekit estimate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..shared import export_options as opt
from ..shared.complete import device_names
from ..shared.options import JsonOption
from ..shared.torch_needed import torch_needed
from ..show.console import emit_json, say
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...types import Counted
    from ...verbs.counted.estimate import Estimated

HEADINGS = ("model", "artifact", "runtime", "estimated ms", "estimated M cycles", "of them misses", "counted M instr.")


def estimate_command(
    models: opt.Models = None,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            "-d",
            help="A device, a kind of board (rpi4, rpi5, rpi3, ...) or a simulated board.",
            autocompletion=device_names,
        ),
    ] = "rpi4",
    format_: opt.Format = None,
    int8: opt.Int8 = False,
    fp16: opt.Fp16 = False,
    dynamic_range: opt.DynamicRange = False,
    profile: opt.Profile = None,
    weights: opt.Weights = "random",
    form: opt.Form = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate a network's latency on a board that is not at hand, before anything is exported.

    The network is exported to a temporary folder for the board's class of CPU, one inference is counted on a simulated
    core of the same kind, and a model of the core makes cycles of the counts. The instructions are exact; the
    milliseconds are an estimate, whose error stands below the table. edgekit profile measures on the board itself.
    Without a format there are all, without a precision float32 and int8.

    Example: edgekit estimate mobilenet_v3 --device rpi4
    Example: edgekit estimate mobilenet_v2 shufflenet_v2 --device rpi5 --format tflite --int8
    """
    from ...catalog import find_card
    from ...devices.reach import what_is_built_first
    from ...errors import UsageError
    from ...forms.profiles import choose_matrix
    from ...verbs.counted.estimate import estimate, find_likeness

    if not models:
        raise UsageError("no model given", "name one (edgekit models list)")
    for model in models:
        find_card(model)
    profiles = choose_matrix(
        format_, int8=int8, fp16=fp16, dynamic_range=dynamic_range, profiles=profile or (), form=form
    )
    like = find_likeness(device)
    torch_needed("estimate")
    building = what_is_built_first(like.board.name)
    if building:
        say(building)
    run = estimate(models, profiles, device, weights=weights, progress=ProgressLines())
    if as_json:
        emit_json(as_data(run))
    else:
        show(run)
    for label, error in run.failures:
        say(f"{label}: failed: {error}" + (f"\n  {error.hint}" if error.hint else ""))
    if run.failures:
        raise typer.Exit(max(error.exit_code for _, error in run.failures))


def show(run: Estimated) -> None:
    """The table, what is known of the error, and what stands for what. It goes to stderr."""
    from ...reports.counted.words import LABEL, errors_of
    from ..show.tables import print_table

    if run.counted:
        print_table(HEADINGS, [cells(one) for one in run.counted], numbers=HEADINGS[3:])
        for line in errors_of(run.counted):
            say(line)
        say(LABEL)
    say(run.like.words)


def cells(one: Counted) -> tuple[str, ...]:
    """A row under ``HEADINGS``."""
    made = one.estimate
    return (
        one.model,
        one.profile,
        f"{one.runtime} {one.runtime_version}",
        f"{made.latency_ms:.1f}",
        f"{made.cycles / 1e6:.1f}",
        f"{made.miss_share:.0%}",
        f"{one.counts.instructions / 1e6:.1f}",
    )


def as_data(run: Estimated) -> dict[str, Any]:
    """For programs: what stands for the device, the counts with their estimates, the failures."""
    return {
        "device": run.like.device,
        "simulated": run.like.board.name,
        "clock_mhz": run.like.clock_mhz,
        "estimated": [{**one.to_plain(), "estimated_ms": one.estimate.latency_ms} for one in run.counted],
        "failures": [
            {"artifact": label, "error": str(error), "hint": error.hint, "exit_code": error.exit_code}
            for label, error in run.failures
        ],
    }
