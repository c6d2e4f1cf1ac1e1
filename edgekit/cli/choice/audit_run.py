"""``edgekit audit-run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..shared.complete import device_names
from ..shared.limits import LARGEST, MOST_RUNS
from ..shared.options import ArtifactsOption, ForceOption, JsonOption, ReportsOption
from ..show.console import emit_json, say
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...verbs.choice.audit_run import Audited


def audit_run_command(
    report: Annotated[str, typer.Argument(help="A measurement: its file, or its key in the store.")],
    device: Annotated[
        str | None,
        typer.Option(
            "--device", "-d", help="Where to measure. [default: the report's device]", autocompletion=device_names
        ),
    ] = None,
    within: Annotated[
        float, typer.Option(min=0, max=LARGEST, help="Difference that counts as none, as a share: 0.02 is 2 %.")
    ] = 0.02,
    launches: Annotated[int, typer.Option(min=1, max=MOST_RUNS, help="Fresh processes to measure in.")] = 8,
    force: ForceOption = False,
    artifacts: ArtifactsOption = Path("artifacts"),
    reports: ReportsOption = Path("device_reports"),
    as_json: JsonOption = False,
) -> None:
    """Measure a stored report again, from the same file on the same device, and say whether it agrees within 2 %.

    Exit codes: 0 it agrees, 1 it differs, 4 the launches vary too much to tell, 5 the conditions differ (it says how).

    Example: edgekit audit-run device_reports/rpi4/squeezenet_1.1__tflite-int8__litert-cpu-t1.json
    """
    from ...verbs.choice.audit_run import EXIT_CODES, audit_run

    found = audit_run(
        report,
        device=device,
        within=within,
        launches=launches,
        artifacts=artifacts,
        reports=reports,
        force=force,
        progress=ProgressLines(),
    )
    if as_json:
        emit_json(as_data(found))
    else:
        show(found)
    raise typer.Exit(EXIT_CODES[found.opinion])


def show(found: Audited) -> None:
    """Both figures, what differs, and the opinion. It goes to stderr."""
    from ...base.stats import percent
    from ...reports.table import interval, milliseconds

    m, r = found.reported, found.ratio
    say(f"{m.model} {m.profile} on {m.device.id}, sha256 {m.artifact_sha256[:12]}")
    say(f"reported  {milliseconds(m.p50_ms)} ms ({interval(m)}), {m.verdict.name}, {m.measured_at}")
    say(f"now       {milliseconds(found.now.p50_ms, like=m.p50_ms)} ms, {len(found.launches)} fresh processes")
    for one in found.differences:
        say(f"differs   {one}")
    if found.now.busy:
        say(f"note: something else ran beside {found.now.busy} of {len(found.launches)} launches")
    span = f"{percent(r.ratio)} ({r.confidence:.0%} interval {percent(r.low)} to {percent(r.high)})"
    say(f"{found.opinion} within {found.within:.0%}: {span}")


def as_data(found: Audited) -> dict[str, Any]:
    """The opinion for programs."""
    return {
        "opinion": found.opinion,
        "within": found.within,
        "reported_p50_ms": found.reported.p50_ms,
        "reported_at": found.reported.measured_at,
        "p50_ms": found.now.p50_ms,
        "launch_p50_ms": [launch.p50_ms for launch in found.launches],
        "ratio": found.ratio.to_plain(),
        "busy_launches": found.now.busy,
        "differences": [{"key": one.key, "reported": one.a, "now": one.b} for one in found.differences],
        "device": found.reported.device.id,
        "model": found.reported.model,
        "profile": found.reported.profile,
        "artifact_sha256": found.reported.artifact_sha256,
    }
