"""``edgekit pick``: its options, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..shared.complete import device_names
from ..shared.limits import LARGEST
from ..shared.options import ArtifactsOption, ForceOption, JsonOption, MaxLatency, MaxSize, MinAccuracy, ReportsOption
from ..show.console import emit_json, say, say_some
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...select.pareto import Ranked
    from ...verbs.stored.pick import Pick

DAMAGED = 2
SPARE = ("runtime", "front", "threads", "size")
"""Columns that a narrow terminal leaves out."""


def pick_command(
    device: Annotated[
        str,
        typer.Option("--device", "-d", help="Device whose measurements to choose from.", autocompletion=device_names),
    ] = "local",
    max_latency_ms: MaxLatency = None,
    max_size_mb: MaxSize = None,
    min_accuracy: MinAccuracy = None,
    exponent: Annotated[
        float,
        typer.Option(
            min=-LARGEST,
            max=LARGEST,
            help="w of the objective accuracy x (latency / limit)^w; 0 counts accuracy alone.",
        ),
    ] = -0.07,
    advice: Annotated[
        bool, typer.Option("--advice", help="Also suggest what would make the chosen network faster; needs PyTorch.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="First measure the artifacts that have no measurement on the device.")
    ] = False,
    budget: Annotated[str, typer.Option(help="Longest time that --measure may take: 90s, 10m, 1h.")] = "10m",
    force: ForceOption = False,
    reports: ReportsOption = Path("device_reports"),
    artifacts: ArtifactsOption = Path("artifacts"),
    as_json: JsonOption = False,
) -> None:
    """Choose the network and artifact for a device from its measurements: MnasNet's objective within limits.

    Accuracy is the published accuracy of the float weights, minus the loss that edgekit evaluate measured for the
    artifact. Artifacts with random weights count as if they had the published ones; for your own model file only a
    measured top-1 counts. Exit code 1 when nothing keeps the limits, 5 when the device is emulated.

    Example: edgekit pick --device rpi4 --max-latency-ms 30 --min-accuracy 70
    Example: edgekit pick --device rpi4 --measure --budget 5m
    """
    from ...select.pareto import Limits
    from ...verbs.stored.pick import pick

    if measure:
        measure_first(device, budget, artifacts, reports, force=force)
    found = pick(
        device, Limits(max_latency_ms, max_size_mb, min_accuracy), reports, exponent, ProgressLines(), artifacts
    )
    told = advise(found) if advice else []
    if as_json:
        emit_json({**as_data(found), "advice": told})
    else:
        show(found, told)
    say_some([f"damaged: {damaged.error}" for damaged in found.damaged])
    if found.damaged:
        raise typer.Exit(DAMAGED)


def measure_first(device: str, budget: str, artifacts: Path, reports: Path, *, force: bool) -> None:
    """Measure the missing artifacts, and list those that failed and those that there was no time for."""
    from ...verbs.choice.fill import fill
    from ..profile import seconds

    budget_s = seconds(budget, "--budget", least=1.0)
    done = fill(device, budget_s, artifacts=artifacts, reports=reports, force=force, progress=ProgressLines())
    say(f"measured {len(done.measured)} artifact{'' if len(done.measured) == 1 else 's'} that were missing")
    say_some([f"not measured: {one.artifact}: {one.error}" for one in done.failures])
    if done.left:
        say(f"no time for {len(done.left)}: {', '.join(done.left[:5])}{', ...' if len(done.left) > 5 else ''}")
        say(f"  try: a longer --budget than {budget}")


def advise(found: Pick) -> list[str]:
    """The guidelines for the chosen network."""
    from ...verbs.networks.advice import advice_for
    from ..shared.torch_needed import torch_needed

    torch_needed("--advice")
    return advice_for(found.choice.candidate.measurement.model)


def show(found: Pick, told: list[str]) -> None:
    """The ranking, the choice and its doubts, on stderr."""
    from rich.text import Text

    from ...reports.table import VERDICT_STYLE, megabytes, milliseconds
    from ...verbs.stored.pick import name
    from ..show.tables import print_table

    rows = [
        (
            m.model,
            m.profile,
            m.runtime,
            f"{m.threads}{m.on_cores}",
            milliseconds(m.p50_ms),
            megabytes(m.artifact_bytes),
            "-" if one.candidate.accuracy is None else f"{one.candidate.accuracy:g}",
            "-" if one.objective is None else f"{one.objective:.2f}",
            "yes" if one.front else "",
            Text(m.verdict.name, style=VERDICT_STYLE[m.verdict.name]),
            "; ".join(one.missed) or "kept",
        )
        for one in found.ranked
        for m in [one.candidate.measurement]
    ]
    numbers = ("threads", "p50 ms", "size", "top-1 %", "objective")
    print_table(("model", "profile", "runtime", *numbers, "front", "verdict", "limits"), rows, numbers, SPARE)
    say_some([f"left out: {line}" for line in found.left_out])
    first = found.choice.candidate
    accuracy = "" if first.accuracy is None else f", top-1 {first.accuracy:g} % ({first.source})"
    size = megabytes(first.measurement.artifact_bytes)
    say(f"take {name(first.measurement)}: {milliseconds(first.latency_ms)} ms, {size}{accuracy}")
    for line in found.doubts:
        say(f"  but: {line}")
    for line in told:
        say(f"  {line}")


def as_data(found: Pick) -> dict[str, Any]:
    """The choice for programs."""
    return {
        "choice": ranked_data(found.choice),
        "doubts": found.doubts,
        "ranking": [ranked_data(one) for one in found.ranked],
        "left_out": found.left_out,
        "damaged": [{"file": str(one.path), "error": str(one.error)} for one in found.damaged],
    }


def ranked_data(one: Ranked) -> dict[str, Any]:
    """A candidate with its figures."""
    m = one.candidate.measurement
    return {
        "model": m.model,
        "profile": m.profile,
        "runtime": m.runtime,
        "accelerator": m.accelerator,
        "threads": m.threads,
        "artifact_sha256": m.artifact_sha256,
        "p50_ms": m.p50_ms,
        "artifact_bytes": m.artifact_bytes,
        "top1_percent": one.candidate.accuracy,
        "top1_source": one.candidate.source,
        "objective": one.objective,
        "front": one.front,
        "missed": list(one.missed),
        "verdict": m.verdict.name,
    }
