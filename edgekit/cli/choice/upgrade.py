"""``edgekit gate --runtime-a --runtime-b``: the gate of a runtime's upgrade, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...types import GateResult
    from ...verify.sets_of_inputs import Shapes


def run_upgrade_gate(
    names: Sequence[str],
    runtime_a: str | None,
    runtime_b: str | None,
    devices: Sequence[str],
    *,
    threads: int,
    cores: str | None,
    tolerance: float | None,
    delta: float | None,
    config: Path | None,
    artifacts: Path,
    results: Path,
    shapes: Shapes,
    data: str | None,
    labels: str | None,
    seed: int | None,
    plumbing: bool,
    force: bool,
    tell: Callable[[list[GateResult]], None],
) -> None:
    """Gate an upgrade; ``tell`` shows and writes the results, and ends the command.

    Raises:
        UsageError: one version alone, two runtimes, several devices, or a phone.
        ToolError: the device cannot be reached, or an environment cannot be made.
    """
    from ...devices.environments import EXAMPLE, wanted
    from ...errors import UsageError
    from ...verbs.choice.upgrade import gate_upgrade

    if runtime_a is None or runtime_b is None:
        given, lacking = ("--runtime-a", "--runtime-b") if runtime_b is None else ("--runtime-b", "--runtime-a")
        raise UsageError(f"{given} needs {lacking}: two versions are compared", EXAMPLE)
    before, after = wanted(runtime_a, "--runtime-a"), wanted(runtime_b, "--runtime-b")
    if len(devices) > 1:
        raise UsageError("an upgrade is gated on one device at a time", "run it once for each --device")
    tell(
        gate_upgrade(
            names,
            before,
            after,
            devices[0],
            threads=threads,
            cores=cores,
            tolerance=tolerance,
            delta=delta,
            config=config,
            artifacts_root=artifacts,
            results_root=results,
            shapes=shapes,
            data=data,
            labels=labels,
            seed=seed,
            plumbing=plumbing,
            force=force,
            progress=ProgressLines(),
        )
    )
