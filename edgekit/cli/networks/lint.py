"""``edgekit lint``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..shared.complete import device_names, model_ids, profile_names
from ..shared.input_options import Input, sized_inputs
from ..shared.limits import MOST_RUNS
from ..shared.options import ForceOption, JsonOption, ReportsOption, ThreadsOption
from ..shared.torch_needed import torch_needed
from ..show.console import emit_json, say, tell
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...select.findings import Finding
    from ...verbs.networks.lint import Linted

ROUNDS, LEAST_ROUNDS = 8, 5  # fewer than five have no interval
MOST = 5
"""Layers of each guideline that show at first."""


def lint_command(
    network: Annotated[
        str | None,
        typer.Argument(
            help="Model id, card, or code: net.py, net.py:factory, package.module:factory.",
            metavar="MODEL",
            autocompletion=model_ids,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            help="Also show the operator times that were measured on this device.",
            autocompletion=device_names,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            help="Of this artifact. [default: the fastest with operator times]",
            autocompletion=profile_names,
        ),
    ] = None,
    input_: Input = None,
    most: Annotated[
        int,
        typer.Option(
            "--most", min=1, max=MOST_RUNS, help="Number of layers to show for each guideline; --json has all."
        ),
    ] = MOST,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Run the paper's micro-benchmarks on the device, so that it is known there."),
    ] = False,
    format_: Annotated[
        str, typer.Option("--format", help="With --calibrate: of the micro-benchmarks; tflite, onnx or openvino.")
    ] = "tflite",
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", min=LEAST_ROUNDS, max=MOST_RUNS, help="With --calibrate: fresh processes of each, by turns."
        ),
    ] = ROUNDS,
    threads: ThreadsOption = 1,
    reports: ReportsOption = Path("device_reports"),
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Judge a network's shape by ShuffleNet V2's guidelines: what makes it slower than its MACs say, layer by layer.

    G1: even channel widths. G2: few groups. G3: few small layers. G4: few element-wise operations. Each finding names
    the exact rewrite or the change of the architecture that helps, and the memory access that this would save. It also
    shows the layer's measured time if edgekit profile --per-op has measured this network and the runtime names its
    layers (OpenVINO, ONNX Runtime).

    --calibrate runs the paper's micro-benchmarks on the device: uneven widths, groups, fragments, element-wise
    operations at equal multiply-accumulates. Afterwards --device shows what a guideline costs there.

    Example: edgekit lint shufflenet --device rpi4
    Example: edgekit lint net.py --input 1x3x160x160
    Example: edgekit lint --calibrate --device rpi4
    """
    torch_needed("lint")
    if calibrate:
        run_calibration(network, device or "local", format_, rounds, threads, reports, force, as_json)
        return
    from ...errors import UsageError
    from ...verbs.networks.lint import lint

    if network is None:
        raise UsageError("name a network", "edgekit lint MODEL; or edgekit lint --calibrate --device DEVICE")
    found = lint(
        network, device, profile=profile, inputs=sized_inputs(input_), reports=reports, progress=ProgressLines()
    )
    if as_json:
        emit_json(as_data(found))
    else:
        show(found, most, network)


def run_calibration(
    network: str | None,
    device: str,
    format_: str,
    turns: int,
    threads: int,
    reports: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Calibrate the guidelines on a device, and show what they weigh there.

    Raises:
        UsageError: a network was named as well, or an unknown format.
    """
    from ...errors import UsageError, did_you_mean
    from ...forms.profiles import FORMATS
    from ...select.weights import weights_told
    from ...verbs.networks.calibrate import calibrate
    from ..show.tables import print_table

    if network is not None:
        raise UsageError("--calibrate is of a device, not of a network", f"leave {network} out")
    if format_ not in FORMATS:
        raise UsageError(f"unknown format {format_!r}", did_you_mean(format_, FORMATS))
    found, path = calibrate(
        device,
        format_,
        threads=threads,
        turns=turns,
        reports=reports,
        force=force,
        progress=ProgressLines(),
    )
    if as_json:
        emit_json({**found.to_plain(), "file": str(path)})
        return
    titles = ("rule", "micro-benchmark", "M MACs", "ms", "time per MAC", "95 %")
    rows = [
        (
            one.guideline,
            one.says,
            f"{one.macs / 1e6:.1f}",
            f"{one.ms:.3g}",
            f"{one.ratio:.2f}x",
            f"{one.low:.2f} to {one.high:.2f}" if found.kind_of_cost == "measured" else "-",
        )
        for one in found.probes
    ]
    print_table(titles, rows, numbers=titles[2:])
    if found.kind_of_cost == "counted":
        say(f"estimated from instructions counted on {found.device.id}: no clock has measured them")
    for line in weights_told(found):
        tell(line)
    unsure = sum(not one.proven for one in found.probes)
    if unsure:
        say(f"{unsure} of them prove nothing, and lint leaves them out: wait for an idle device, or take more --rounds")
    say(f"kept: {path}; edgekit lint MODEL --device {found.device.id} uses it")


def show(found: Linted, most: int, network: str) -> None:
    """The layers, where the times come from, and the totals on stdout."""
    from ...reports.table import milliseconds
    from ...types.commands import is_own
    from ..show.tables import print_table

    timed = found.timed is not None and bool(found.timed.layers)
    weighed = found.here is not None
    titles = ("rule", "layer", "what is seen", "moves less", *(["here"] if weighed else []), *(["ms"] if timed else []))
    shown = shown_of(found, most)
    rows = [
        (
            one.guideline,
            one.layer or "(network)",
            one.fact if count == 1 else f"{one.fact}, {count} times",
            f"{one.share:.1%}" if one.spare else "-",
            *([f"{factor:.2f}x" if (factor := found.weight_of(one)) is not None else "-"] if weighed else []),
            *([milliseconds(ns / 1e6) if (ns := found.ns_of(one)) is not None else "-"] if timed else []),
        )
        for one, count in shown
    ]
    if rows:
        print_table(titles, rows, numbers=("moves less", "here", "ms"))
    left = len(found.findings) - sum(count for _, count in shown)
    if left:
        say(f"... and {left} more: --most shows more of each rule, --json has all")
    for (guideline, change), count in changes_of(found).items():
        say(f"{guideline}, {count} layer{'s' * (count != 1)}: {change}")
    say("moves less: of all elements that the network reads and writes, at equal multiply-accumulates")
    if found.here is not None:
        from ...select.weights import weights_told

        here = found.here
        say(
            f"here: how much longer a multiply-accumulate takes on {here.device.id} than in a layer that keeps the "
            f"rule, by its micro-benchmarks ({here.kind_of_cost}, {here.format}, {here.measured_at[:10]})"
        )
        for told in weights_told(here):
            say(f"  {told}")
    if found.timed is None:
        first = f"edgekit export {network}, and then " if is_own(network) else ""
        say(f"no operator times of {found.model}: {first}edgekit profile {found.model} --per-op measures them")
    else:
        m = found.timed.measurement
        unnamed = "" if timed else "; its runtime does not name the layers"
        say(f"times: {m.profile} on {m.device.id}, {m.measured_at[:10]}{unnamed}")
        say(f"  {found.timed.element_wise:.0%} of the operators' time is in element-wise ones that were not fused")
    for line in found.totals:
        tell(f"{line.guideline}: {line.text}")


def shown_of(found: Linted, most: int) -> list[tuple[Finding, int]]:
    """The first findings of each guideline, in the order of all, and how often each is there: those that say the same
    of no layer of their own, as the additions of a network, stand once.
    """
    often = Counter(found.findings)
    taken: Counter[str] = Counter()
    shown = []
    for one, count in sorted(often.items(), key=lambda item: item[0].guideline):
        taken[one.guideline] += 1
        if taken[one.guideline] <= most:
            shown.append((one, count))
    return shown


def changes_of(found: Linted) -> Counter[tuple[str, str]]:
    """What to change, with the number of layers that it is about, by guideline."""
    return Counter((one.guideline, one.change) for one in sorted(found.findings, key=lambda one: one.guideline))


def as_data(found: Linted) -> dict[str, Any]:
    """The findings for programs."""
    timed = found.timed
    return {
        "model": found.model,
        "elements_moved": found.facts.moved,
        "totals": [{"guideline": one.guideline, "text": one.text, "cost": one.cost} for one in found.totals],
        "findings": [
            {**vars(one), "measured_ns": found.ns_of(one), "here": found.weight_of(one)} for one in found.findings
        ],
        "calibration": None if found.here is None else found.here.to_plain(),
        "measured": None
        if timed is None
        else {
            "device": timed.measurement.device.id,
            "profile": timed.measurement.profile,
            "measured_at": timed.measurement.measured_at,
            "element_wise_share": timed.element_wise,
            "layers_ns": timed.layers,
        },
    }
